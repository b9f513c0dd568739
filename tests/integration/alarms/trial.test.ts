import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { EmbeddedStore, loadConfig, storeLimits } from "wattboard";
import { newRule } from "../../../packages/server/dist/alarms/alarm-rules.js";
import { type PreparedRule, prepareRule } from "../../../packages/server/dist/alarms/prepared-rule.js";
import { tryRule } from "../../../packages/server/dist/alarms/trial/try-rule.js";
import { firstRegistration } from "../../../packages/server/dist/store/registration.js";
import type { SamplesQuery, StoreReader } from "../../../packages/server/dist/store/store.js";
import { batchOf, type Message, type Sent, sampleAt } from "../../support/samples.ts";
import { temporaryFolder } from "../../support/start-server.ts";

const start = Date.UTC(2026, 0, 31);
const hourMs = 3_600_000;
const states = ["IDLE", "CHARGING", "ERROR"];

/**
 * A rule that is tried passes over the windows in which nothing can change; what it tells must be what it would tell if it read every sample. Held
 * against that for random rules, over devices that send often and seldom, all in one message and in several, with gaps, numbers, texts, flags and
 * values that are now one and now the other.
 */
const devices = ["steady", "sections", "seldom", "gaps", "resting"];
const endMs = start + 8 * hourMs;

async function openStore(): Promise<EmbeddedStore> {
  const { config } = loadConfig({ flags: {}, env: {}, file: undefined });
  const store = await EmbeddedStore.open(temporaryFolder(), storeLimits(config));
  onTestFinished(() => store.close());
  for (const deviceId of devices) {
    const sent = [...samplesOf(deviceId)];
    for (let at = 0; at < sent.length; at += 2_000) await store.append([batchOf(sent.slice(at, at + 2_000))]);
  }
  await store.compactAll();
  return store;
}

function* samplesOf(deviceId: string): Generator<Sent> {
  const stepMs = deviceId === "seldom" ? 300_000 : 15_000;
  let seq = 0;
  for (let atMs = start; atMs < endMs; atMs += stepMs) {
    const hours = (atMs - start) / hourMs;
    if (deviceId === "gaps" && Math.floor(hours * 7) % 3 === 0) continue;
    const soc = Math.round(50 + 50 * Math.sin(hours * 2.2 + deviceId.length) + (seq % 7));
    const sections: Record<string, Message> = {
      battery: { soc },
      grid: { power: (seq * 37) % 1_000, voltage: 230 + 20 * Math.sin(hours) },
      system_status: {
        state: states[Math.floor(hours * 1.3) % 3] ?? "IDLE",
        error_flags: Math.floor(hours * 5) % 11 === 0 ? ["OVERHEAT"] : [],
      },
      own: { mixed: seq % 400 < 3 ? "9" : 40 },
    } as never;
    if (deviceId !== "sections") yield sampleAt(atMs, seq++, sections as never, { deviceId });
    else {
      for (const [name, body] of Object.entries(sections)) {
        yield sampleAt(atMs + (seq % 4), seq++, { [name]: body } as never, { deviceId });
      }
    }
  }
}

const anyCondition = fc.oneof(
  fc
    .tuple(fc.constantFrom("<", ">", "<=", ">=", "=", "!="), fc.integer({ min: -5, max: 110 }))
    .map(([operator, value]) => `battery.soc ${operator} ${value}`),
  fc
    .tuple(fc.constantFrom("<", ">"), fc.integer({ min: 205, max: 255 }))
    .map(([operator, value]) => `grid.voltage ${operator} ${value}`),
  fc.constantFrom("grid.power > 990", "grid.power < 3", "own.mixed < 10", "own.mixed = 9", "never.sent > 1"),
  fc
    .tuple(fc.constantFrom("=", "!=", "~", "^"), fc.constantFrom("ERROR", "CHARG", "IDLE"))
    .map(([operator, value]) => `state ${operator} ${value}`),
  fc.constantFrom("error_flags = OVERHEAT", "error_flags != OVERHEAT", "error_flags ~ heat", "clock = device"),
);

const anyRule = fc.record({
  when: fc.array(anyCondition, { minLength: 1, maxLength: 3 }),
  clear_when: fc.option(fc.array(anyCondition, { minLength: 1, maxLength: 2 })),
  for_s: fc.constantFrom(0, 5, 60, 600, 3_600),
  clear_for_s: fc.constantFrom(0, 30, 900),
});

test("what a rule would have done is the same, whether windows are passed over or every sample is read", async () => {
  const store = await openStore();
  let [read, readByAll, rang] = [0, 0, 0];
  const counting = (note: (samples: number) => void): StoreReader =>
    ({
      points: (registration) => store.points(registration),
      history: (query) => store.history(query),
      timeline: (query) => store.timeline(query),
      async samples(query: SamplesQuery) {
        const samples = await store.samples(query);
        note(samples.length);
        return samples;
      },
    }) as StoreReader;
  await fc.assert(
    fc.asyncProperty(
      anyRule,
      fc.constantFrom(...devices),
      fc.integer({ min: 0, max: 3 * 3_600 }),
      async (body, deviceId, fromS) => {
        const prepared = prepareRule(newRule("try", { name: "Tried", ...body })) as PreparedRule;
        const device = { deviceId, registration: firstRegistration(deviceId), mayRest: deviceId === "resting" };
        const query = { fromMs: start + fromS * 1_000, toMs: endMs };
        const step = { prepared, query, signal: new AbortController().signal };
        const quick = await tryRule(
          counting((count) => (read += count)),
          device,
          step,
        );
        const whole = await tryRule(
          counting((count) => (readByAll += count)),
          device,
          { ...step, mayPassOver: false },
        );
        expect(quick).toEqual(whole);
        rang += quick.times;
      },
    ),
    { numRuns: 50 },
  );
  // Otherwise nothing was shown.
  expect(rang).toBeGreaterThan(20);
  expect(read).toBeLessThan(readByAll * 0.8);
}, 300_000);
