import { ManualClock } from "@wattboard/testing";
import type { Clock } from "../base/clock.ts";
import type { Device } from "../devices/device-registry.ts";
import { DeviceState } from "../devices/device-state.ts";
import type { Sample, Values } from "../devices/sample.ts";
import { firstRegistration } from "../store/registration.ts";
import type { AlarmEntry } from "./alarm-entry.ts";
import type { AlarmRecord } from "./alarm-record.ts";
import type { AlarmStore } from "./alarm-store.ts";
import { Alarms } from "./alarms.ts";
import { alarmsInMemory } from "./alarms-in-memory.ts";

/** Alarms over devices that a test sends samples of, on a clock that stands still; its disk is in memory, and outlives a restart. */
export class AlarmFleet {
  readonly clock: ManualClock;
  readonly store: AlarmStore;
  readonly devices = new Map<string, Device>();
  readonly states = new Map<string, DeviceState>();
  readonly offlineSinceMs = new Map<string, number>();
  /** Each change that was told: `raised alm_1`. */
  readonly told: string[] = [];
  alarms: Alarms;
  #seq = 0;
  #ids = 0;
  #epoch = 1;
  #timers: (() => void)[] = [];

  private constructor(store: AlarmStore, clock: ManualClock) {
    this.store = store;
    this.clock = clock;
    this.alarms = this.#make();
  }

  static async start(store = alarmsInMemory(), clock = new ManualClock()): Promise<AlarmFleet> {
    const fleet = new AlarmFleet(store, clock);
    await fleet.alarms.restore();
    return fleet;
  }

  /** The server ends, is away for a while, and another begins with what it has left. `isKilled`: nothing is written at its end. */
  async restart(awayMs: number, isKilled = false): Promise<void> {
    if (isKilled) for (const cancel of this.#timers) cancel();
    else {
      this.alarms.stop();
      await this.alarms.journal.drain(1_000);
    }
    this.clock.advance(awayMs);
    this.#epoch++;
    this.alarms = this.#make();
    await this.alarms.restore();
    await this.alarms.devicesRestored(this.states.values());
  }

  add(deviceId: string, properties: Readonly<Record<string, string>> = {}): void {
    this.devices.set(deviceId, {
      deviceId,
      name: deviceId,
      properties,
      reported: {},
      createdAtMs: this.clock.wallMs(),
      registration: firstRegistration(deviceId),
      token: { salt: new Uint8Array(), hash: new Uint8Array(), sealKey: null },
    });
    this.states.set(deviceId, new DeviceState(deviceId, firstRegistration(deviceId).key));
  }

  /** The device sends this now; measured so long ago. */
  send(deviceId: string, values: Values = {}, agoMs = 0): void {
    const state = this.states.get(deviceId);
    if (state === undefined) throw new Error(`${deviceId} is not there`);
    const receivedAtMs = this.clock.wallMs();
    const observedAtMs = receivedAtMs - agoMs;
    const sample: Sample = {
      deviceId,
      deviceTimeMs: observedAtMs,
      values,
      observedAtMs,
      receivedAtMs,
      clock: "device",
      epoch: this.#epoch,
      seq: this.#seq++,
    };
    state.offer(sample, Buffer.from(JSON.stringify(values)));
    this.alarms.accept(state, sample);
  }

  /** Seconds go by in which each of these devices sends what it is given, once a second. */
  async run(seconds: number, sendAll: () => void = () => {}): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      sendAll();
      this.clock.advance(1_000);
      await Promise.resolve();
    }
    await this.alarms.journal.settled();
  }

  open(): AlarmRecord[] {
    return [...this.alarms.book.open()].map(({ record }) => record);
  }

  /** The one alarm that is open. */
  only(): AlarmEntry {
    const open = [...this.alarms.book.open()];
    if (open.length !== 1 || open[0] === undefined) throw new Error(`${open.length} alarms are open`);
    return open[0];
  }

  /** The clock, whose timers end with the process. */
  #processClock(): Clock {
    const { clock } = this;
    this.#timers = [];
    return {
      wallMs: () => clock.wallMs(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
      nextTurn: (task) => clock.nextTurn(task),
      after: (delayMs, task) => this.#keep(clock.after(delayMs, task)),
      every: (periodMs, task) => this.#keep(clock.every(periodMs, task)),
    };
  }

  #keep(cancel: () => void): () => void {
    this.#timers.push(cancel);
    return cancel;
  }

  #make(): Alarms {
    const alarms = new Alarms({
      clock: this.#processClock(),
      newId: () => String(++this.#ids),
      store: this.store,
      observer: { failed() {}, recovered() {} },
      devices: {
        find: (deviceId) => this.devices.get(deviceId),
        findRegistered: (key) => this.devices.get(key),
      },
      latest: { find: (deviceId) => this.states.get(deviceId) },
      isOnline: (deviceId) => !this.offlineSinceMs.has(deviceId),
      offlineSinceMs: (deviceId) => this.offlineSinceMs.get(deviceId) ?? null,
    });
    alarms.watch({ changed: ({ alarmId }, what) => void this.told.push(`${what} ${alarmId}`) });
    return alarms;
  }
}
