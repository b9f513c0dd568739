/**
 * A herd in virtual time: 300 devices of the SDK lose their server at one instant, and it is away for a minute. By chance alone they must come back spread
 * out; the same devices without chance would all come in one second.
 */
import { connectDevice } from "@wattboard/device";
import { expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Host, Network, type Wire } from "./network.ts";
import { ProcessClock, Timeline, WallClock } from "./timeline.ts";

const devices = 300;
const awayMs = 60_000;
const nothing = (): void => {};

/** How many of the devices come back in the second in which most do. */
async function busiestSecond(randomOf: (chance: Chance) => () => number): Promise<number> {
  const timeline = new Timeline();
  const chance = new Chance(1);
  const observer = { deviceSends: nothing, serverSends: nothing, admitted: nothing, serverHears: nothing };
  const network = new Network(timeline, chance.branch(), observer);
  const wires: Wire[] = [];
  const host: Host = {
    accept(wire) {
      wires.push(wire);
      wire.admitted();
    },
  };
  network.host = host;
  const wall = new WallClock(timeline);
  for (let at = 0; at < devices; at++) {
    connectDevice({
      deviceId: `ems_${at}`,
      token: "token",
      url: "http://127.0.0.1:8000",
      log: nothing,
      clock: new ProcessClock(timeline, wall),
      random: randomOf(chance.branch()),
      transport: (events) => network.connect(`ems_${at}`, `ems_${at}`, events),
    });
  }
  await timeline.run(5_000, nothing);
  expect(wires).toHaveLength(devices);
  network.host = null;
  for (const wire of wires.splice(0)) network.lose(wire, 0, 0, false);
  await timeline.run(5_000 + awayMs, nothing);
  const backAt = new Map<string, number>();
  network.host = {
    accept(wire) {
      // Nobody pings them here, so that they come again after a minute.
      if (!backAt.has(wire.deviceId)) backAt.set(wire.deviceId, timeline.nowMs);
      wire.admitted();
    },
  };
  await timeline.run(5_000 + awayMs + 120_000, nothing);
  const backAtMs = [...backAt.values()];
  expect(backAtMs).toHaveLength(devices);
  const inSecond = (fromMs: number): number => backAtMs.filter((ms) => ms >= fromMs && ms < fromMs + 1_000).length;
  return Math.max(...backAtMs.map(inSecond));
}

test("devices that lost their server at once come back spread out", async () => {
  expect(await busiestSecond((chance) => chance.next)).toBeLessThan(0.1 * devices);
});

test("without chance they all come at once: the test above would fail", async () => {
  expect(await busiestSecond(() => () => 0.5)).toBe(devices);
});
