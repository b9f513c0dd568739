import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { DeviceState } from "../devices/device-state.ts";
import type { Sample } from "../devices/sample.ts";
import type { StreamPlace } from "./device-stream.ts";
import { Fanout } from "./fanout.ts";

/** A dashboard that remembers what it was sent, as texts. */
class Viewer {
  readonly texts: string[] = [];
  readonly frames: Uint8Array[] = [];

  send(frame: Uint8Array): void {
    const headerBytes = (frame[1] ?? 0) < 126 ? 2 : 4;
    this.frames.push(frame);
    this.texts.push(Buffer.from(frame.subarray(headerBytes)).toString());
  }

  get parsed(): Record<string, unknown>[] {
    return this.texts.map((text) => JSON.parse(text));
  }

  get welcome() {
    return this.parsed[0];
  }

  /** What the samples say of themselves. */
  get numbers(): unknown[] {
    return this.parsed.flatMap(({ number }) => (number === undefined ? [] : [number]));
  }

  /** The last frame that it has. */
  get place(): StreamPlace {
    const { epoch, offset } = this.parsed.at(-1) ?? {};
    return { epoch: Number(epoch), offset: Number(offset) };
  }
}

const device = new DeviceState("ems_001", "key");
const other = new DeviceState("ems_002", "key");
const receivedAtMs = 1_769_860_800_000;
const aSample = { receivedAtMs } as Sample;

function start({ keptBytesMax = 512 * 1024, resumeBytesMax = 1024 * 1024, epoch = "10" } = {}) {
  const clock = new ManualClock();
  const online = new Set<string>();
  const fanout = new Fanout(
    clock,
    () => epoch,
    (id) => online.has(id),
    { keptBytesMax, resumeBytesMax },
  );
  let sent = 0;
  const send = (count = 1, of = device, filling = ""): void => {
    for (let i = 0; i < count; i++)
      fanout.accept(of, aSample, Buffer.from(JSON.stringify({ number: ++sent, filling })));
  };
  const watch = (
    place: StreamPlace | null = null,
    { mayViewNames = true, newest = null as string | null, of = device } = {},
  ) => {
    const viewer = new Viewer();
    const sample = newest === null ? null : { message: Buffer.from(newest), receivedAtMs };
    fanout.watch(of.deviceId, viewer, { mayViewNames, place, newest: sample });
    return viewer;
  };
  const setOnline = (isOnline: boolean): void => {
    if (isOnline) online.add("ems_001");
    else online.delete("ems_001");
    fanout.presenceChanged("ems_001");
  };
  const leave = (viewer: Viewer, of = device): void => fanout.unsubscribe(of.deviceId, viewer);
  return { clock, fanout, send, watch, setOnline, leave };
}

describe("a stream", () => {
  test("gives each frame the next place, and leaves the message as it is", () => {
    const { fanout, watch } = start();
    const viewer = watch();
    for (const message of ['{"a":8.50e1}', ' \n{ "a": 1,\t"offset":7}']) {
      fanout.accept(device, aSample, Buffer.from(message));
    }
    const { epoch, offset } = viewer.welcome as { epoch: number; offset: number };
    expect(viewer.texts.slice(1)).toEqual([
      `{"epoch":${epoch},"offset":${offset + 1},"received_at_ms":${receivedAtMs},"a":8.50e1}`,
      `{"epoch":${epoch},"offset":${offset + 2},"received_at_ms":${receivedAtMs}, "a": 1,\t"offset":7}`,
    ]);
  });

  test("gives who comes new the newest sample at the place of the last frame, so that the next one follows", () => {
    const { send, watch } = start();
    watch();
    send(3);
    const viewer = watch(null, { newest: '{"number":3}' });
    send();
    expect(viewer.welcome).toMatchObject({ type: "welcome", recovered: false, online: false });
    expect(viewer.numbers).toEqual([3, 4]);
    const offset = Number(viewer.welcome?.offset);
    expect(viewer.parsed.slice(1).map((frame) => frame.offset)).toEqual([offset + 1, offset + 2]);
  });

  test("gives plain viewers the device's bytes and nothing else, and makes each frame once", () => {
    const { fanout, send, watch, setOnline } = start();
    const [plain, second] = [new Viewer(), new Viewer()];
    for (const each of [plain, second]) fanout.subscribe("ems_001", each);
    const [left, right] = [watch(), watch()];
    send();
    setOnline(true);
    fanout.tell("ems_001", Buffer.from('{"type":"command"}'));
    expect(plain.texts).toEqual(['{"number":1,"filling":""}']);
    expect(plain.frames[0]).toBe(second.frames[0]);
    expect(left.frames[1]).toBe(right.frames[1]);
    expect(fanout.deliveryCount).toBe(2 + 3 * 2);
  });
});

describe("who comes back", () => {
  test("gets what came meanwhile, of every kind, in order and once, and then what comes", () => {
    const { fanout, send, watch, leave, setOnline } = start();
    const before = watch();
    send(2);
    leave(before);
    send(2);
    setOnline(true);
    fanout.tell("ems_001", Buffer.from('{"type":"command"}'));
    const after = watch(before.place);
    send();
    expect(after.welcome).toMatchObject({ recovered: true, offset: before.place.offset });
    expect(after.parsed.slice(1).map(({ number, type }) => number ?? type)).toEqual([3, 4, "presence", "command", 5]);
    const offsets = after.parsed.slice(1).map(({ offset }) => Number(offset) - before.place.offset);
    expect(offsets).toEqual([1, 2, 3, 4, 5]);
  });

  test("and has missed nothing gets nothing twice, the newest sample neither", () => {
    const { send, watch, leave } = start();
    const before = watch();
    send();
    leave(before);
    const after = watch(before.place, { newest: '{"number":1}' });
    expect(after.welcome).toMatchObject({ recovered: true });
    expect(after.numbers).toEqual([]);
  });

  test("gets 300 frames, and is told where it would have been 301", () => {
    const { send, watch, leave } = start();
    const before = watch();
    send();
    leave(before);
    send(300);
    expect(watch(before.place).numbers).toHaveLength(300);
    send();
    const late = watch(before.place, { newest: '{"number":302}' });
    expect(late.welcome).toMatchObject({ recovered: false });
    expect(late.numbers).toEqual([302]);
  });

  test("gets the frames of 60 s, and is told where one is older", () => {
    const { clock, send, watch, leave } = start();
    watch();
    const before = watch();
    send();
    leave(before);
    for (let second = 0; second <= 60; second++) {
      send();
      if (second < 60) clock.advance(1_000);
    }
    expect(watch(before.place).numbers).toHaveLength(61);
    clock.advance(1_000);
    send();
    expect(watch(before.place).welcome).toMatchObject({ recovered: false });
  });

  test("within 60 s after the last one has left goes on; later the stream is another one, and so it is after a start", () => {
    const { clock, fanout, send, watch, leave } = start();
    const before = watch();
    send();
    leave(before);
    clock.advance(59_999);
    const again = watch(before.place);
    expect(again.welcome).toMatchObject({ recovered: true, epoch: before.place.epoch });
    leave(again);
    clock.advance(60_000);
    expect({ hasStream: fanout.hasStream("ems_001"), keptBytes: fanout.keptBytes }).toEqual({
      hasStream: false,
      keptBytes: 0,
    });
    const late = watch(before.place);
    expect(late.welcome).toMatchObject({ recovered: false });
    expect(late.welcome?.epoch).not.toBe(before.place.epoch);
    expect(start({ epoch: "ab" }).watch(before.place).welcome).toMatchObject({ recovered: false });
  });

  test.each([
    ["of another stream", { epoch: 1, offset: 2 }],
    ["that lies ahead", { epoch: 0x11, offset: 9_999 }],
    ["that lies before everything", { epoch: 0x11, offset: -9_999 }],
    ["between two frames", { epoch: 0x11, offset: 1.5 }],
    ["that is no number", { epoch: 0x11, offset: Number.NaN }],
    ["that is no number either", { epoch: Number.NaN, offset: Number.POSITIVE_INFINITY }],
  ])("with a place %s is told, and gets the newest sample", (_what, place) => {
    const { send, watch } = start();
    expect(watch().welcome).toMatchObject({ epoch: 0x11 });
    send(2);
    const viewer = watch(place, { newest: '{"number":2}' });
    expect(viewer.welcome).toMatchObject({ recovered: false });
    expect(viewer.numbers).toEqual([2]);
  });

  test("and may not know names does not get the frames of who may, nor the other way round", () => {
    const { fanout, watch, leave } = start();
    const before = watch();
    fanout.tell("ems_001", Buffer.from('{"by":"x"}'), Buffer.from('{"by":null}'));
    leave(before);
    fanout.tell("ems_001", Buffer.from('{"by":"ann"}'), Buffer.from('{"by":null}'));
    const [named, nameless] = [watch(before.place), watch(before.place, { mayViewNames: false })];
    fanout.tell("ems_001", Buffer.from('{"by":"bob"}'), Buffer.from('{"by":null}'));
    const told = (viewer: Viewer) => viewer.parsed.slice(1).map(({ by, offset }) => [by, offset]);
    const { offset } = before.place;
    expect(told(named)).toEqual([
      ["ann", offset + 1],
      ["bob", offset + 2],
    ]);
    expect(told(nameless)).toEqual([
      [null, offset + 1],
      [null, offset + 2],
    ]);
  });

  test("to an id that another device has by now gets nothing of the one before", () => {
    const { fanout, send, watch, leave } = start();
    const before = watch();
    send();
    leave(before);
    send();
    fanout.forget("ems_001");
    expect(watch(before.place).welcome).toMatchObject({ recovered: false });
    expect(fanout.keptBytes).toBe(0);
  });
});

describe("what is kept", () => {
  test("is bounded for one device: then the oldest frame goes", () => {
    const { fanout, send, watch, leave } = start({ keptBytesMax: 1_000 });
    const before = watch();
    send();
    leave(before);
    send(20, device, "x".repeat(60));
    expect(fanout.keptBytes).toBeLessThanOrEqual(1_000);
    expect(fanout.keptBytes).toBeGreaterThan(800);
    expect(watch(before.place).welcome).toMatchObject({ recovered: false });
  });

  test("is bounded over all: then those of the device go that has kept some for longest, and its streams go on", () => {
    const { fanout, send, watch } = start({ resumeBytesMax: 5_000 });
    const [viewer, second] = [watch(), watch(null, { of: other })];
    send(1, device);
    send(1, other);
    const [place, secondPlace] = [viewer.place, second.place];
    send(20, device, "x".repeat(60));
    send(30, other, "x".repeat(60));
    expect(fanout.keptBytes).toBeLessThanOrEqual(5_000);
    expect(viewer.numbers).toHaveLength(21);
    expect(watch(place).welcome).toMatchObject({ recovered: false });
    expect(watch(secondPlace, { of: other }).numbers).toHaveLength(30);
    // It keeps again from here on.
    send(1, device);
    expect(watch({ ...viewer.place, offset: viewer.place.offset - 1 }).numbers).toHaveLength(1);
  });

  test("is nothing where nobody watches, or only plain viewers do", () => {
    const { fanout, send } = start();
    fanout.subscribe("ems_002", new Viewer());
    send(5);
    send(5, other);
    fanout.tell("ems_002", Buffer.from('{"type":"command"}'));
    expect([fanout.keptBytes, fanout.hasStream("ems_001"), fanout.hasStream("ems_002")]).toEqual([0, false, false]);
  });
});

test("a device that comes or goes is told, and one link that replaces another is not", () => {
  const { watch, setOnline } = start();
  setOnline(true);
  const viewer = watch();
  for (const isOnline of [true, false, false, true]) setOnline(isOnline);
  expect(viewer.parsed.map(({ online }) => online)).toEqual([true, false, true]);
});

test("what was stored only now is told once a second for each device, all of it together", () => {
  const { clock, fanout, watch } = start();
  const [viewer, second] = [watch(), watch(null, { of: other })];
  const at = (second: number) => Date.UTC(2026, 0, 31, 12, 0, second);
  fanout.backfilled("ems_001", at(10), at(20), 11);
  fanout.backfilled("ems_001", at(5), at(9), 5);
  fanout.backfilled("ems_002", at(1), at(1), 1);
  fanout.backfilled("nobody", at(1), at(1), 1);
  expect(viewer.texts).toHaveLength(1);
  clock.advance(1_000);
  expect(viewer.parsed.slice(1)).toMatchObject([
    { type: "backfilled", from: "2026-01-31T12:00:05.000Z", to: "2026-01-31T12:00:20.000Z", samples: 16 },
  ]);
  expect(second.parsed.slice(1)).toMatchObject([{ type: "backfilled", samples: 1 }]);
  clock.advance(5_000);
  fanout.backfilled("ems_001", at(30), at(31), 2);
  clock.advance(1_000);
  expect(viewer.parsed.slice(2)).toMatchObject([{ samples: 2 }]);
});
