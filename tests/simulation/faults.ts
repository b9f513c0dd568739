import type { Chance } from "./chance.ts";
import { Violation } from "./checker.ts";
import { WallClock } from "./timeline.ts";
import type { SimulatedDevice, World } from "./world.ts";

/** From one fault to the next at most, ms. */
const pauseMsMax = 8_000;
/** Live samples that come within so many periods of their device are delivered as they should be. */
const livePeriods = 3;

type Fault = (world: World, chance: Chance) => void;

/** What may happen to a world. Each ends by itself, at the latest when faults do. */
const faults: Readonly<Record<string, Fault>> = {
  serverCrash(world, chance) {
    world.killServer(chance.happens(0.5));
    world.timeline.after(chance.between(100, 10_000), () => world.startServer());
  },
  serverRestored(world, chance) {
    if (!world.restoreServer()) return;
    world.timeline.after(chance.between(100, 5_000), () => world.startServer());
  },
  serverRestarted: (world) => void world.restartServer(),
  backup: (world) => world.backUp(),
  storeRefuses: (world, chance) => storeAway(world, chance, "refusing"),
  storeStalls: (world, chance) => storeAway(world, chance, "stalled"),
  storeLosesAnswer(world) {
    if (world.server !== null) world.server.store.losesNextAnswer = true;
  },
  commitsFailLate(world, chance) {
    world.serverDisk.isFailingBehindCommits = true;
    world.timeline.after(chance.between(100, 3_000), () => {
      world.serverDisk.isFailingBehindCommits = false;
    });
  },
  connectionLost: (world, chance) => world.loseConnection(chance.pick(world.devices)),
  allConnectionsLost(world) {
    for (const device of world.devices) world.loseConnection(device);
  },
  frozen(world, chance) {
    const { name } = chance.pick(world.devices);
    const wire = world.network.wireOf(name);
    world.network.partitioned.add(name);
    if (wire !== undefined) world.network.freeze(wire);
    world.timeline.after(chance.between(500, 90_000), () => {
      world.network.partitioned.delete(name);
      if (wire !== undefined) world.network.thaw(wire);
      const present = world.network.wireOf(name);
      if (present !== undefined) world.network.thaw(present);
    });
  },
  deviceCrash(world, chance) {
    const device = chance.pick(world.devices);
    world.killDevice(device, chance.happens(0.5));
    world.timeline.after(chance.between(100, 20_000), () => world.startDevice(device));
  },
  deviceDiskLost(world, chance) {
    const device = chance.pick(world.devices);
    world.wipeDevice(device);
    world.timeline.after(chance.between(100, 20_000), () => world.startDevice(device));
  },
  burst(world, chance) {
    const device = chance.pick(world.devices);
    for (let count = chance.between(10, 150); count > 0; count--) world.send(device);
  },
  /** Faster than it may be: of each few samples one is taken, which makes many stretches. */
  tooFast(world, chance) {
    const device = chance.pick(world.devices);
    for (let count = chance.between(50, 300); count > 0; count--) {
      world.timeline.after(count * 50, () => world.send(device));
    }
  },
};

/** These make the times in the store others than those of the world. */
const clockFaults: Readonly<Record<string, Fault>> = {
  deviceClockSet(world, chance) {
    world.isClockSet = true;
    chance.pick(world.devices).wall.offsetMs += chance.pick([-3_600_000, -5_000, 5_000, 3_600_000]);
  },
  serverClockSet(world, chance) {
    world.isClockSet = true;
    world.serverWall.offsetMs += chance.pick([-3_600_000, -5_000, 5_000, 3_600_000]);
  },
  /** A machine without a battery for its clock: each of its starts is at the same time. */
  serverBootsInThePast(world, chance) {
    world.isClockSet = true;
    world.killServer(true);
    world.timeline.after(chance.between(100, 3_000), () => {
      world.serverWall.offsetMs = new WallClock(world.timeline).offsetMs - world.timeline.nowMs;
      world.startServer();
    });
  },
};

/** While the store is away live samples are delivered all the same. */
function storeAway(world: World, chance: Chance, mood: "refusing" | "stalled"): void {
  const { server, timeline } = world;
  if (server === null) return;
  server.store.mood = mood;
  const sinceMs = timeline.nowMs;
  const wires = world.devices.map((device) => [device, world.network.wireOf(device.name)] as const);
  const open = wires.filter(([, wire]) => wire?.isOpen);
  const awayMs = chance.between(500, 60_000);
  timeline.after(awayMs, () => {
    if (world.server !== server) return;
    for (const [device, wire] of open)
      if (wire?.isSteadySince(sinceMs)) world.check(() => assertLive(world, device, awayMs));
    server.store.recover();
  });
}

function assertLive(world: World, device: SimulatedDevice, awayMs: number): void {
  const { deviceId, periodMs, shownAtMs } = device;
  const silentMs = world.timeline.nowMs - shownAtMs;
  if (awayMs < livePeriods * periodMs || silentMs <= livePeriods * periodMs) return;
  throw new Violation(`Dashboards of ${deviceId} were shown nothing for ${silentMs} ms while the store was away.`);
}

/** Lets something happen every few seconds. */
export async function runFaults(world: World, forMs: number): Promise<void> {
  const { chance, timeline, log } = world;
  const possible = { ...faults, ...(chance.happens(0.3) && clockFaults) };
  const names = Object.keys(possible);
  for (const endMs = timeline.nowMs + forMs; timeline.nowMs < endMs; ) {
    await world.run(chance.between(1, pauseMsMax));
    const name = chance.pick(names);
    log.note(`FAULT ${name}`);
    possible[name as keyof typeof possible]?.(world, chance);
  }
}

/** Takes all faults away: whatever is down comes up, by itself or now. */
export function endFaults(world: World): void {
  const { network, server } = world;
  world.log.note("QUIET");
  world.serverDisk.isFailingBehindCommits = false;
  server?.store.recover();
  world.startServer();
  for (const device of world.devices) {
    network.partitioned.delete(device.name);
    const wire = network.wireOf(device.name);
    if (wire !== undefined) network.thaw(wire);
    world.startDevice(device);
  }
}
