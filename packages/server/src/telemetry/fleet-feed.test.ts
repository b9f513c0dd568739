import type { FleetFrame } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { DeviceStates } from "../devices/device-states.ts";
import { FleetRows } from "../devices/fleet-rows.ts";
import { FleetFeed, type FleetSubscriber } from "./fleet-feed.ts";

/** A page that reads when told to. */
class Page implements FleetSubscriber {
  queuedBytes = 0;
  /** What each frame adds to what it has not read. */
  bytesPerFrame = 0;
  readonly frames: FleetFrame[] = [];

  send(frame: Uint8Array): void {
    this.queuedBytes += this.bytesPerFrame;
    const headerBytes = (frame[1] ?? 0) < 126 ? 2 : 4;
    this.frames.push(JSON.parse(Buffer.from(frame.subarray(headerBytes)).toString()) as FleetFrame);
  }

  /** The ids told since the last call, by kind of frame. */
  told(): string[] {
    return this.frames
      .splice(0)
      .flatMap((frame) =>
        frame.type === "removed" ? frame.device_ids : frame.devices.map(({ id }) => `${frame.type} ${id}`),
      );
  }
}

function feedOf(ids: readonly string[], fleetRowsPerTickMax = 2) {
  const clock = new ManualClock();
  const directory = { find: (name: string) => ({ name, properties: {}, reported: {} }), ids: () => ids };
  const sessions = { find: () => ({}) };
  const feed = new FleetFeed(clock, new FleetRows(new DeviceStates(), directory, sessions), {
    fleetTickMs: 500,
    fleetRowsPerTickMax,
  });
  return { clock, feed };
}

test("tells the whole fleet first, then what has changed, each device once a tick, and the rest in the next", () => {
  const { clock, feed } = feedOf(["a", "b", "c"]);
  const page = new Page();
  feed.subscribe(page);
  expect(page.told()).toEqual(["fleet a", "fleet b", "fleet c"]);
  for (const id of ["a", "b", "a", "c", "a"]) feed.markChanged(id);
  clock.advance(500);
  expect(page.told()).toEqual(["changed a", "changed b"]);
  clock.advance(500);
  expect(page.told()).toEqual(["changed c"]);
  clock.advance(500);
  expect(page.frames).toHaveLength(1);
});

test("spares a page that lags: it gets what it missed, as it is by then, when it has read", () => {
  const { clock, feed } = feedOf(["a", "b"]);
  const [slow, quick] = [new Page(), new Page()];
  feed.subscribe(slow);
  feed.subscribe(quick);
  slow.told();
  quick.told();
  slow.queuedBytes = 300_000;
  for (let tick = 0; tick < 3; tick++) {
    feed.markChanged("a");
    clock.advance(500);
  }
  expect(slow.told()).toEqual([]);
  expect(quick.told()).toEqual(["changed a", "changed a", "changed a"]);
  slow.queuedBytes = 0;
  clock.advance(500);
  expect(slow.told()).toEqual(["fleet a"]);
});

test("forgets no row for a page that begins to lag in the middle of a tick", () => {
  const ids = Array.from({ length: 400 }, (_, index) => `device_${index}_${"x".repeat(200)}`);
  const { clock, feed } = feedOf(ids, ids.length);
  const page = new Page();
  feed.subscribe(page);
  page.told();
  const told = new Set<string>();
  page.bytesPerFrame = 100_000;
  for (const id of ids) feed.markChanged(id);
  for (let tick = 0; tick < 20; tick++) {
    clock.advance(500);
    for (const row of page.told()) told.add(row.split(" ")[1] ?? "");
    page.queuedBytes = 0;
  }
  expect(told.size).toBe(ids.length);
});
