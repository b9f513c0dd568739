import {
  type Clock,
  type CommandMemory,
  CommandRejected,
  connectDevice,
  type Device,
  type DeviceStatus,
  type RememberedCommand,
} from "@wattboard/device";
import type { Command } from "@wattboard/protocol";
import type { FleetStatus } from "./fleet-status.ts";
import { Pacer } from "./pacer.ts";
import type { PlannedDevice } from "./planned-device.ts";
import { Plant, type PlantStart } from "./plant.ts";

export interface FleetMember {
  readonly device: PlannedDevice;
  readonly token: string;
  /** How its battery stands when the fleet starts; by default as chance has it. */
  readonly start?: PlantStart | undefined;
}

export interface FleetSettings {
  /** The server's base address: http, https, ws or wss. */
  readonly url: string;
  readonly fleet: readonly FleetMember[];
  /** Messages a second and device, above 0 to 50 (the server's limit). */
  readonly rateHz: number;
  /** Seconds of physics in a second. Timestamps stay those of the wall clock, since the server believes no other. */
  readonly speed: number;
  readonly seed: number;
  /** Mishaps a day of physics and device. Default one in 20 days. */
  readonly faultsPerDay?: number;
}

/** Handshakes a second: a server that has just started takes them without a queue. */
const connectsPerSecond = 200;
/** After a stall, handshakes are not made up for at once. */
const connectsAtOnceMax = 20;

interface Station {
  readonly plant: Plant;
  readonly member: FleetMember;
  /** What stands on its disk: it outlives a restart. */
  readonly memory: CommandMemory;
  device: Device;
  /** When its program started, by the monotonic clock. */
  startedMs: number;
  /** When it goes on with its restart, by the monotonic clock; null while it runs. */
  restartDueMs: number | null;
  /** What earlier devices of this station counted. */
  readonly before: { sent: number; commands: number; commandFailures: number };
}

/** The link of a box that restarts stays up for so long, for its answer, and then is gone for as long as the box takes. */
const goesDownMs = 200;
const comesUpMs = 3_000;

/** All devices of a process, driven by one caller: no timer and no queue of its own. */
export class SimulatedFleet {
  readonly #settings: FleetSettings;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #startedMs: number;
  readonly #stations: Station[] = [];
  readonly #restarting = new Set<Station>();
  readonly #connects = new Pacer(connectsPerSecond);
  readonly #sends: Pacer;
  #missed = 0;
  #refused = 0;
  #trouble: string | null = null;
  #sentBefore = 0;
  #statusMs: number;

  constructor(settings: FleetSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#startMs = clock.now();
    this.#startedMs = this.#statusMs = clock.monotonicMs();
    this.#sends = new Pacer(settings.fleet.length * settings.rateHz);
  }

  /** Does what has come due: connects the next devices, and sends the next samples. */
  turn(): void {
    const elapsedMs = this.#clock.monotonicMs() - this.#startedMs;
    this.#connectDue(elapsedMs);
    for (const station of this.#restarting) this.#restart(station);
    this.#sendDue(elapsedMs);
  }

  /** @throws DeviceConfigurationError where the address or a token cannot be used at all */
  #connectDue(elapsedMs: number): void {
    const { fleet } = this.#settings;
    // The first device does not wait for its slot.
    const due = Math.min(connectsAtOnceMax, this.#connects.due(elapsedMs + 1_000 / connectsPerSecond));
    const first = this.#connects.take(Math.min(due, fleet.length - this.#connects.next));
    for (const member of fleet.slice(first, this.#connects.next)) this.#stations.push(this.#connect(member));
  }

  #connect(member: FleetMember): Station {
    const { seed, faultsPerDay } = this.#settings;
    const plant = new Plant(member.device, {
      seed,
      startMs: this.#startMs,
      start: member.start,
      ...(faultsPerDay !== undefined && { faultsPerDay }),
    });
    let kept: readonly RememberedCommand[] = [];
    const memory: CommandMemory = {
      load: () => kept,
      save: (commands) => {
        kept = commands;
      },
    };
    const station: Station = {
      plant,
      member,
      memory,
      device: this.#start(member, plant, memory, (command) => this.#obey(station, command)),
      startedMs: this.#clock.monotonicMs(),
      restartDueMs: null,
      before: { sent: 0, commands: 0, commandFailures: 0 },
    };
    return station;
  }

  #start(
    { device, token }: FleetMember,
    plant: Plant,
    commandMemory: CommandMemory,
    onCommand: (command: Command) => void,
  ): Device {
    return connectDevice({
      deviceId: device.deviceId,
      token,
      url: this.#settings.url,
      clock: this.#clock,
      // A fleet of thousands in one process counts what an outage costs it, rather than keeping it in memory.
      journal: false,
      announcement: plant.announcement,
      commandMemory,
      onCommand,
      onStatus: this.#noteStatus,
      // What one device has to say drowns in thousands; the fleet's status tells what matters.
      log: () => {},
    });
  }

  /** The server learns from the exception that the command was not carried out, and why. */
  #obey(station: Station, command: Command): void {
    const outcome = station.plant.apply(command);
    if (!outcome.done) throw new CommandRejected(outcome.message);
    if (command.action !== "RESTART") return;
    station.restartDueMs = this.#clock.monotonicMs() + goesDownMs;
    this.#restarting.add(station);
  }

  /** First the program ends, and with it the link; then a new one starts, which has only what stood on the disk. */
  #restart(station: Station): void {
    const nowMs = this.#clock.monotonicMs();
    if (station.restartDueMs === null || nowMs < station.restartDueMs) return;
    const { device, member, plant, memory, before } = station;
    if (device.status.state !== "stopped") {
      void device.stop();
      station.restartDueMs = nowMs + comesUpMs;
      return;
    }
    before.sent += device.counters.sent;
    before.commands += device.counters.commands;
    before.commandFailures += device.counters.commandFailures;
    station.device = this.#start(member, plant, memory, (command) => this.#obey(station, command));
    station.startedMs = nowMs;
    station.restartDueMs = null;
    this.#restarting.delete(station);
  }

  readonly #noteStatus = (status: DeviceStatus): void => {
    if (status.state !== "waiting") return;
    const { code, message } = status.outage;
    if (code === "forbidden" || code === "busy" || code === "unexpected_answer") this.#refused++;
    this.#trouble = message;
  };

  /**
   * Each device has its own moment within the period, so the server never gets all at once. A sample's physics time follows from
   * its number, not from when the timer fired: the same seed and start give the same run on any machine.
   */
  #sendDue(elapsedMs: number): void {
    const { fleet, rateHz, speed } = this.#settings;
    const due = this.#sends.due(elapsedMs);
    // Further behind than a whole period: those samples are no longer news.
    const late = Math.max(0, due - fleet.length);
    this.#missed += late;
    this.#sends.take(late);

    const first = this.#sends.take(due - late);
    for (let slot = first; slot < this.#sends.next; slot++) {
      const station = this.#stations[slot % fleet.length];
      if (station === undefined) continue;
      const round = Math.floor(slot / fleet.length) + 1;
      station.plant.advanceTo(this.#startMs + (round * 1_000 * speed) / rateHz);
      // Before its first link a device has nothing to miss.
      if (!this.#send(station) && station.device.counters.links > 0) this.#missed++;
    }
  }

  #send({ plant, device, startedMs }: Station): boolean {
    if (device.status.state !== "online") return false;
    const sample = plant.telemetry();
    const uptime = Math.floor((this.#clock.monotonicMs() - startedMs) / 1_000);
    const whole = { ...sample, system_status: { ...sample.system_status, uptime } };
    if (this.#settings.speed === 1) return device.send(whole);
    // Otherwise a reader would wonder why the sun shines at night.
    return device.send({ ...whole, simulation: { time: new Date(plant.timeMs).toISOString() } });
  }

  status(): FleetStatus {
    let connected = 0;
    let inError = 0;
    let sentTotal = 0;
    let commandsReceived = 0;
    let commandsFailed = 0;
    for (const { plant, device, before } of this.#stations) {
      if (device.status.state === "online") connected++;
      if (plant.state === "ERROR") inError++;
      sentTotal += before.sent + device.counters.sent;
      commandsReceived += before.commands + device.counters.commands;
      commandsFailed += before.commandFailures + device.counters.commandFailures;
    }
    const nowMs = this.#clock.monotonicMs();
    const sentPerSecond = ((sentTotal - this.#sentBefore) * 1_000) / Math.max(1, nowMs - this.#statusMs);
    this.#sentBefore = sentTotal;
    this.#statusMs = nowMs;

    const devices = this.#settings.fleet.length;
    if (connected === devices) this.#trouble = null;
    return {
      devices,
      connected,
      sentPerSecond,
      sentTotal,
      missed: this.#missed,
      refused: this.#refused,
      commandsReceived,
      commandsFailed,
      inError,
      trouble: this.#trouble,
    };
  }

  /** Resolves when every link is closed. */
  async stop(): Promise<void> {
    await Promise.all(this.#stations.map(({ device }) => device.stop()));
  }
}
