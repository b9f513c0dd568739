import type { Registration } from "../store/registration.ts";
import type { StoreReader } from "../store/store.ts";
import type { Alarm, AlarmListener, AlarmStepName } from "./alarm-record.ts";

/** How far back it is looked. */
const spanMs = 10 * 60_000;
/** Of an alarm about more devices the first are looked at. */
const devicesMax = 10;
/** Alarms that wait to be looked into; one more is not. */
const waitingMax = 100;

interface CoverageServices {
  readonly store: Pick<StoreReader, "coverage">;
  readonly registrationOf: (deviceId: string) => Registration | undefined;
  readonly found: (alarmId: string, coverage: number) => void;
}

/** Tells how much of the time before an alarm is known: asks the store when it has rung, one alarm after the other. */
export class CoverageBefore implements AlarmListener {
  readonly #services: CoverageServices;
  readonly #waiting: Alarm[] = [];
  #isAsking = false;

  constructor(services: CoverageServices) {
    this.#services = services;
  }

  changed(alarm: Alarm, what: AlarmStepName): void {
    if (what !== "raised" || alarm.deviceCount === 0 || this.#waiting.length >= waitingMax) return;
    this.#waiting.push(alarm);
    if (!this.#isAsking) void this.#askAll();
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    for (let alarm = this.#waiting.shift(); alarm !== undefined; alarm = this.#waiting.shift()) {
      // A store that does not answer just now tells so by itself; then it is not known.
      await this.#ask(alarm).catch(() => {});
    }
    this.#isAsking = false;
  }

  async #ask({ alarmId, members, sinceMs }: Alarm): Promise<void> {
    let coveredMs = 0;
    let expectedMs = 0;
    let count = 0;
    for (const { deviceId } of members.values()) {
      if (count++ === devicesMax) break;
      const registration = this.#services.registrationOf(deviceId);
      if (registration === undefined) continue;
      const range = { fromMs: sinceMs - spanMs, toMs: sinceMs, bucketMs: spanMs };
      const { total } = await this.#services.store.coverage({ registration, ...range });
      coveredMs += total.coveredMs;
      expectedMs += total.expectedMs;
    }
    if (expectedMs > 0) this.#services.found(alarmId, coveredMs / expectedMs);
  }
}
