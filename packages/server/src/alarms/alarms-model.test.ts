import { isRefusal } from "@wattboard/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { stepMsMaxOf } from "../store/algebra/steps.ts";
import { windowMs } from "../store/algebra/window.ts";
import { AlarmFleet } from "./alarm-fleet.fixture.ts";
import { UsualStep } from "./usual-step.ts";

/**
 * Alarms against a model that is as simple as what they promise: for each device a list of what it sent and when the server could hear, from which it
 * is said whether a rule must ring, must not, or may. Random samples, outages, restarts, kills, late data, backfill and a full disk; after every step
 * no device is in two open alarms of a rule, what must ring rings, and what rings has a reason. A failing run prints its steps and its seed.
 */
const ids = ["a1", "a2", "a3", "b1", "b2"];
const forS = 20;
const clearForS = 5;
/** By so much what is due may be told later, s: what was measured may still be on its way, and a tick comes once a second. */
const toleranceS = 4;
/** Silence: the rule's minute, and the minute in which it is collected; besides, what a device may usually be silent for. */
const silentS = 60 + 60 + toleranceS;
const graceS = 60;

interface Heard {
  readonly atMs: number;
  /** Null: it came too late to say anything of the present. */
  readonly isLow: boolean | null;
}

interface Device {
  readonly heard: Heard[];
  readonly step: UsualStep;
  /** The longest that a sample has spoken for the time after it, ms. */
  holdMs: number;
}

class Model {
  readonly #devices = new Map<string, Device>(
    ids.map((id) => [id, { heard: [], step: new UsualStep(), holdMs: 30_000 }]),
  );
  /** From when on whoever is silent is to blame. */
  hearingSinceMs = 0;

  hear(id: string, atMs: number, isLow: boolean | null): void {
    const device = this.#of(id);
    device.heard.push({ atMs, isLow });
    device.step.note(atMs);
    if (device.step.usualMs > 0) device.holdMs = Math.max(device.holdMs, stepMsMaxOf(device.step.usualMs));
  }

  /** Samples of before have come: it is there. One that was never heard stays so. */
  fill(id: string, atMs: number): void {
    const { heard } = this.#of(id);
    if (heard.length > 0) heard.push({ atMs, isLow: null });
  }

  /** How long, up to now, samples without a break have said so, s; null: the last one says otherwise, or is too old. */
  saysForS(id: string, isLow: boolean, nowMs: number): number | null {
    let sinceMs: number | null = null;
    let beforeMs = nowMs;
    for (const sample of this.#saying(id).toReversed()) {
      if (sample.isLow !== isLow || beforeMs - sample.atMs > 30_000) break;
      sinceMs = sample.atMs;
      beforeMs = sample.atMs;
    }
    return sinceMs === null ? null : (nowMs - sinceMs) / 1_000;
  }

  /** Whether it was low for long enough at any time, as far as samples say. */
  wasLow(id: string): boolean {
    const { holdMs } = this.#of(id);
    let sinceMs = Number.NaN;
    let beforeMs = Number.NEGATIVE_INFINITY;
    for (const { atMs, isLow } of this.#saying(id)) {
      // What is low goes on being so until the next sample, for as long as one speaks.
      if (Math.min(atMs, beforeMs + holdMs) - sinceMs >= forS * 1_000) return true;
      if (isLow !== true || atMs - beforeMs > holdMs) sinceMs = Number.NaN;
      if (isLow === true && Number.isNaN(sinceMs)) sinceMs = atMs;
      beforeMs = atMs;
    }
    return beforeMs + holdMs - sinceMs >= forS * 1_000;
  }

  silentForS(id: string, nowMs: number): number | null {
    const last = this.#of(id).heard.at(-1);
    return last === undefined ? null : (nowMs - Math.max(last.atMs, this.hearingSinceMs)) / 1_000;
  }

  /** How long it may usually be silent, s. */
  usualS(id: string): number {
    const { usualMs } = this.#of(id).step;
    return (Number.isNaN(usualMs) ? windowMs : stepMsMaxOf(usualMs)) / 1_000;
  }

  #saying(id: string): Heard[] {
    return this.#of(id).heard.filter(({ isLow }) => isLow !== null);
  }

  #of(id: string): Device {
    return this.#devices.get(id) as Device;
  }
}

type Step =
  | {
      readonly kind: "run";
      readonly seconds: number;
      readonly low: readonly string[];
      readonly away: readonly string[];
    }
  | { readonly kind: "restart"; readonly awayS: number; readonly isKilled: boolean }
  | { readonly kind: "late"; readonly id: string; readonly agoS: number }
  | { readonly kind: "backfill"; readonly id: string }
  | { readonly kind: "disk"; readonly isFull: boolean };

const some = fc.subarray(ids);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("run" as const),
      seconds: fc.integer({ min: 1, max: 200 }),
      low: some,
      away: some,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("restart" as const),
      awayS: fc.integer({ min: 0, max: 300 }),
      isKilled: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("late" as const),
      id: fc.constantFrom(...ids),
      agoS: fc.integer({ min: 31, max: 3_600 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("backfill" as const), id: fc.constantFrom(...ids) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disk" as const), isFull: fc.boolean() }) },
);

/** In how many open alarms of the rule the device is. */
function openIn(fleet: AlarmFleet, ruleId: string, id: string): number {
  let count = 0;
  for (const { record, members } of fleet.alarms.book.open()) {
    if (record.ruleId === ruleId && members.get(id)?.untilMs === null) count++;
  }
  return count;
}

test("what must ring rings once, and what rings has its reason, whatever comes", async () => {
  const seen = { low: 0, silent: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 3, maxLength: 14 }), async (steps) => {
      const fleet = await AlarmFleet.start();
      for (const id of ids) fleet.add(id, { site: id.slice(0, 1) });
      const rule = await fleet.alarms.addRule({
        name: "Low",
        when: ["battery.soc < 10"],
        for_s: forS,
        clear_for_s: clearForS,
      });
      if (isRefusal(rule)) throw new Error(rule.message);
      const model = new Model();
      model.hearingSinceMs = fleet.clock.wallMs() + graceS * 1_000;
      const { commit } = fleet.store;
      const setFull = (isFull: boolean): void => {
        Object.assign(fleet.store, { commit: isFull ? async () => Promise.reject(new Error("no room")) : commit });
      };
      const check = (): void => {
        const nowMs = fleet.clock.wallMs();
        for (const id of ids) {
          const low = openIn(fleet, rule.ruleId, id);
          const silent = openIn(fleet, "no_data", id);
          seen.low += low;
          seen.silent += silent;
          expect([id, "low", low <= 1]).toEqual([id, "low", true]);
          expect([id, "silent", silent <= 1]).toEqual([id, "silent", true]);
          const lowForS = model.saysForS(id, true, nowMs);
          if (lowForS !== null && lowForS > forS + toleranceS) expect([id, "is low", low]).toEqual([id, "is low", 1]);
          // Never by what came late, nor by nothing.
          if (low === 1) expect([id, "was low", model.wasLow(id)]).toEqual([id, "was low", true]);
          const soundForS = model.saysForS(id, false, nowMs);
          if (soundForS !== null && soundForS > clearForS + toleranceS) {
            expect([id, "is not low", low]).toEqual([id, "is not low", 0]);
          }
          const silentForS = model.silentForS(id, nowMs);
          if (silentForS !== null && silentForS > silentS + model.usualS(id))
            expect([id, "is silent", silent]).toEqual([id, "is silent", 1]);
          if (silentForS !== null && silentForS < 60 && silent === 1) {
            // Called silent before, and not back for ten seconds yet, or the server has just come back.
            expect([id, "may be silent", silentForS < 12 || model.hearingSinceMs > nowMs - 60_000]).toEqual([
              id,
              "may be silent",
              true,
            ]);
          }
        }
        for (const { record, members } of fleet.alarms.book.open()) {
          const open = [...members.values()].filter(({ untilMs }) => untilMs === null);
          expect([record.alarmId, record.openDeviceCount]).toEqual([record.alarmId, open.length]);
          expect(open.length).toBeGreaterThan(0);
        }
      };
      for (const step of steps) {
        switch (step.kind) {
          case "run":
            await fleet.run(step.seconds, () => {
              for (const id of ids) {
                if (step.away.includes(id)) continue;
                const isLow = step.low.includes(id);
                fleet.send(id, { battery: { soc: isLow ? 5 : 50 } });
                model.hear(id, fleet.clock.wallMs(), isLow);
              }
            });
            break;
          case "restart":
            // What a full disk has not taken is lost with the process: that is no promise.
            setFull(false);
            await fleet.run(2);
            await fleet.restart(step.awayS * 1_000, step.isKilled);
            model.hearingSinceMs = fleet.clock.wallMs() + graceS * 1_000;
            // What fell due meanwhile is told with the first tick.
            await fleet.run(1);
            break;
          case "late":
            fleet.send(step.id, { battery: { soc: 5 } }, step.agoS * 1_000);
            model.hear(step.id, fleet.clock.wallMs(), null);
            break;
          case "backfill":
            fleet.alarms.filled(step.id);
            model.fill(step.id, fleet.clock.wallMs());
            break;
          case "disk":
            setFull(step.isFull);
            break;
        }
        check();
      }
    }),
    { numRuns: Number(process.env.ALARM_RUNS ?? 60) },
  );
  // Otherwise nothing was shown.
  expect(seen.low).toBeGreaterThan(20);
  expect(seen.silent).toBeGreaterThan(20);
}, 180_000);
