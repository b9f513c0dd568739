import type { AlarmParts } from "../../packages/server/dist/app/assemble-alarms.js";
import { assembleDevices } from "../../packages/server/dist/app/assemble-devices.js";
import type { StoreParts } from "../../packages/server/dist/app/assemble-store.js";
import { assembleTelemetry } from "../../packages/server/dist/app/assemble-telemetry.js";
import type { Defer } from "../../packages/server/dist/app/closing.js";
import { LoopLag } from "../../packages/server/dist/base/loop-lag.js";
import type { NewId } from "../../packages/server/dist/base/random-id.js";
import { type Config, loadConfig } from "../../packages/server/dist/config/config.js";
import { ConnectRate } from "../../packages/server/dist/doors/connect-rate.js";
import { DeviceDoor } from "../../packages/server/dist/doors/device-door.js";
import { type DoorContext, Links } from "../../packages/server/dist/doors/door.js";
import type { Handshake } from "../../packages/server/dist/doors/upgrade.js";
import { Heartbeat } from "../../packages/server/dist/link/heartbeat.js";
import { ServerClockWatch } from "../../packages/server/dist/observe/clock-watch.js";
import { Events } from "../../packages/server/dist/observe/events.js";
import { Health } from "../../packages/server/dist/observe/health.js";
import { createLog } from "../../packages/server/dist/observe/log.js";
import { Metrics } from "../../packages/server/dist/observe/metrics.js";
import { Throttle } from "../../packages/server/dist/observe/throttle.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import type { Store } from "../../packages/server/dist/store/store.js";
import { Fanout } from "../../packages/server/dist/telemetry/fanout.js";
import { StoreWatch } from "../../packages/server/dist/telemetry/store-watch.js";
import type { Chance } from "./chance.ts";
import type { Wire } from "./network.ts";
import type { ServerDisk } from "./server-disk.ts";
import type { ServerSocket } from "./server-socket.ts";
import { type CommitListener, StoreProcess } from "./store-process.ts";
import { ProcessClock, type Timeline, type WallClock } from "./timeline.ts";

/** What a world says of its server. */
export interface ServerSettings {
  readonly flushMs: number;
  readonly queueBytesMax: number;
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  readonly backfillPerSecond: number;
  readonly connectsPerSecond: number;
}

/** Who watches all devices, as a dashboard does. */
type Viewer = (deviceId: string, message: string) => void;

interface ServerWorld {
  readonly timeline: Timeline;
  readonly wall: WallClock;
  readonly disk: ServerDisk;
  readonly chance: Chance;
  readonly settings: ServerSettings;
  readonly deviceIds: readonly string[];
  readonly commits: CommitListener;
  readonly viewer: Viewer;
}

/** How long a stop may take, ms. */
const graceMs = 9_000;
const log = createLog({ level: "silent" });
const nothing = (): void => {};

/**
 * The server's core as its composition builds it: sessions, ingest with all sinks, the queue to the store, journals and acks, and the door of devices
 * with its links, over a virtual clock, sockets of the simulated network, and the embedded store. Registry, commands and rights are ports: whoever
 * knocks may come in.
 */
export class ServerProcess {
  readonly clock: ProcessClock;
  readonly store: StoreProcess;
  readonly parts: ReturnType<typeof assembleTelemetry>;
  readonly #door: DeviceDoor;
  readonly #wires = new Set<Wire>();
  readonly #links = new Links();
  /** How the parts end, in the order in which they were begun. */
  readonly #ends: ((graceMs: number) => unknown)[] = [];

  constructor(world: ServerWorld) {
    const { timeline, wall, disk, chance, settings, deviceIds, commits, viewer } = world;
    const clock = new ProcessClock(timeline, wall);
    this.clock = clock;
    this.store = new StoreProcess(disk, clock, chance, commits);
    const config = configOf(settings);
    const newId = (bytes: number): string =>
      Array.from({ length: bytes }, () => chance.pick([..."0123456789abcdef"])).join("");
    this.parts = assembleCore(config, clock, newId, this.store, deviceIds, (_what, end) => this.#ends.push(end));
    const { fanout } = this.parts;
    for (const deviceId of deviceIds) {
      fanout.subscribe(deviceId, { send: (frame) => viewer(deviceId, payloadOf(frame)) });
    }
    this.#door = deviceDoor(config, clock, this.parts, this.#links);
  }

  accept(wire: Wire): void {
    const { server } = wire;
    this.#wires.add(wire);
    const handshake = {
      request: { headers: { authorization: "Bearer token" } },
      socket: server,
      head: Buffer.alloc(0),
    };
    this.#door.accept(handshake as unknown as Handshake, wire.deviceId);
  }

  /** Ends as an operator ends it: links first, and then each part behind those that need it. */
  async stop(): Promise<void> {
    await this.#links.drain(this.clock);
    for (const end of this.#ends.toReversed()) await end(graceMs);
  }

  /** The process is gone. Its links are given to the network to end. */
  kill(): Wire[] {
    this.clock.kill();
    for (const { server } of this.#wires) server.die();
    return [...this.#wires];
  }
}

function configOf(settings: ServerSettings): Config {
  const { config } = loadConfig({ flags: {}, env: {}, file: undefined });
  const { flushMs, queueBytesMax, messagesPerSecond, messagesBurst, backfillPerSecond, connectsPerSecond } = settings;
  return {
    ...config,
    store: { ...config.store, flush_ms: flushMs, flush_bytes: 16 * 1024, queue_bytes: queueBytesMax },
    limits: {
      ...config.limits,
      messages_per_second: messagesPerSecond,
      messages_burst: messagesBurst,
      backfill_per_second: backfillPerSecond,
      connects_per_second: connectsPerSecond,
    },
  };
}

function assembleCore(
  config: Config,
  clock: ProcessClock,
  newId: NewId,
  store: StoreProcess,
  deviceIds: readonly string[],
  defer: Defer,
) {
  const registered = new Map(
    deviceIds.map((deviceId) => {
      const registration = firstRegistration(deviceId);
      return [deviceId, { deviceId, registration, name: deviceId, properties: {}, reported: {}, createdAtMs: 0 }];
    }),
  );
  const devices = {
    find: (deviceId: string) => registered.get(deviceId),
    findRegistered: (key: string) => registered.get(key),
    ids: () => registered.keys(),
    authenticate: () => "newest",
    endRotation: () => false,
    noteTakesTokens: nothing,
    rotations: { find: nothing, overdue: () => [], successorOf: () => null },
    tokenIdOf: () => null,
    report: nothing,
    saveReported: nothing,
    watch: nothing,
    unsavedCount: 0,
  };
  const events = new Events(clock, log, store as unknown as Store, (deviceId) => deviceId);
  const throttle = new Throttle(clock, 10_000);
  const observation = { clock, log, events, devices, throttle, health: new Health(), metrics: new Metrics() };
  const watchSettings = { queueBytesMax: config.store.queue_bytes, mayTellReason: true };
  const parts = {
    ...observation,
    config,
    store,
    people: {},
    clockWatch: new ServerClockWatch(clock, events),
    storeWatch: new StoreWatch(observation as never, watchSettings),
  };
  // The parts that a core without pages, people and commands never asks for are left out.
  const core = assembleDevices(defer, parts as unknown as StoreParts);
  const fanout = new Fanout(clock, newId, (deviceId) => core.registry.find(deviceId) !== undefined, {
    keptBytesMax: config.outbox.bytes / 2,
    resumeBytesMax: config.outbox.resume_bytes,
  });
  core.registry.watch(fanout);
  const commands = { accept: nothing, connected: nothing, disconnected: nothing, hello: nothing, result: nothing };
  const alarms = { accept: nothing, filled: nothing };
  return assembleTelemetry(defer, { ...core, commands, fanout, alarms } as unknown as AlarmParts);
}

function deviceDoor(
  config: Config,
  clock: ProcessClock,
  parts: ReturnType<typeof assembleTelemetry>,
  links: Links,
): DeviceDoor {
  const context = {
    clock,
    log,
    throttle: parts.throttle,
    addresses: { give: nothing },
    authorizer: { addressOf: () => "192.0.2.1" },
    floods: { note: nothing },
    generalLog: null,
    heartbeat: new Heartbeat(clock),
    connectRate: new ConnectRate(clock, config.limits.connects_per_second),
    links,
    loopLag: new LoopLag(clock),
    peering: null,
    linkLimits: {
      pingMs: config.heartbeat.ping_ms,
      pongMsMax: config.heartbeat.pong_ms,
      outboxBytesMax: config.outbox.bytes,
      outboxStalledMsMax: config.outbox.stalled_ms,
    },
    webSocketServer: {
      handleUpgrade(_request: unknown, socket: ServerSocket, _head: unknown, opened: (webSocket: unknown) => void) {
        socket.admit();
        opened(socket);
      },
    },
  };
  const { messages_per_second: messagesPerSecond, messages_burst: messagesBurst } = config.limits;
  const rate = { messagesPerSecond, messagesBurst };
  return new DeviceDoor(context as unknown as DoorContext, { ...parts, generalLog: null }, rate);
}

/** The message in a frame for dashboards. */
function payloadOf(frame: Uint8Array): string {
  const length = (frame[1] ?? 0) & 0x7f;
  return Buffer.from(
    frame.buffer,
    frame.byteOffset + (length < 126 ? 2 : 4),
    frame.length - (length < 126 ? 2 : 4),
  ).toString();
}
