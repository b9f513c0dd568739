import { parseRfc3339, telemetrySchema } from "@wattboard/protocol";
import { telemetryValidator } from "@wattboard/protocol/validate";
import { Ajv } from "ajv";
import * as z from "zod";
import { DeviceState } from "../../packages/server/dist/devices/device-state.js";
import { decode, isRefusal } from "../../packages/server/dist/telemetry/gatekeeper.js";
import { benchDeviceId, benchMessage } from "../load/message.ts";
import { Comparisons } from "../measure/comparison.ts";
import type { Scenario } from "../scenarios/scenario.ts";

const deviceId = benchDeviceId(1);
const timestamp = new Date().toISOString();
const frame = Buffer.from(benchMessage(deviceId, timestamp));
const message: unknown = JSON.parse(frame.toString());

/** Each judges the same message, and says whether it is valid. */
const cases: Readonly<Record<string, () => boolean>> = {
  "JSON.parse of the frame": parseFrame,
  "TypeBox, compiled (ours)": () => telemetryValidator.check(message),
  "Ajv, compiled": ajvCheck(),
  "Zod, safeParse": zodCheck(),
  "timestamp, ours": () => parseRfc3339(timestamp) > 0,
  "timestamp, Date.parse": () => Date.parse(timestamp) > 0,
  "gatekeeper, whole (parse, validate, judge)": gatekeeperDecode(),
};

const warmUpMs = 150;
const callsPerLook = 500;

export const validators: Scenario = {
  name: "validators",
  summary: "what validating one telemetry message costs: TypeBox, Ajv, Zod, JSON.parse, the whole gatekeeper",
  method:
    `One message of ${frame.length} bytes, judged again and again in one process; rounds alternate over the cases. ` +
    "The ratio is to `JSON.parse` of the frame, which no server can do without.",
  defaults: { rounds: 7, seconds: 0.3, devices: 1 },
  smoke: { rounds: 1, seconds: 0.05, devices: 1 },

  async run({ rounds, seconds }, progress) {
    const comparisons = new Comparisons();
    const about = { quantity: "time a message", unit: "ns", digits: 0, baseline: "JSON.parse of the frame" };
    for (const judge of Object.values(cases)) measureNs(judge, warmUpMs);
    for (let round = 1; round <= rounds; round++) {
      for (const [name, judge] of Object.entries(cases)) {
        const ns = measureNs(judge, seconds * 1_000);
        comparisons.add(about, name, ns);
        progress(`round ${round} of ${rounds}: ${name} ${ns.toFixed(0)} ns`);
      }
    }
    return comparisons.list();
  },
};

function measureNs(judge: () => boolean, forMs: number): number {
  const startedAtMs = performance.now();
  let calls = 0;
  let valid = 0;
  let tookMs = 0;
  while (tookMs < forMs) {
    for (let i = 0; i < callsPerLook; i++) if (judge()) valid++;
    calls += callsPerLook;
    tookMs = performance.now() - startedAtMs;
  }
  if (valid !== calls) throw new Error("A validator refused the message of the bench.");
  return (tookMs * 1e6) / calls;
}

function parseFrame(): boolean {
  return typeof JSON.parse(frame.toString()) === "object";
}

function ajvCheck(): () => boolean {
  // Ajv knows no formats by itself; ours checks the time apart from the schema too.
  const ajv = new Ajv({ validateFormats: false, strict: false });
  const check = ajv.compile(JSON.parse(JSON.stringify(telemetrySchema)));
  return () => check(message);
}

function zodCheck(): () => boolean {
  const measured = z.number().nullish();
  const schema = z.looseObject({
    device_id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/),
    timestamp: z.string(),
    system_status: z
      .looseObject({
        state: z.enum(["IDLE", "CHARGING", "DISCHARGING", "FULL", "EMPTY", "ERROR"]).optional(),
        mode: z.enum(["AUTO", "MANUAL"]).optional(),
        error_flags: z.array(z.string().max(256)).max(32).optional(),
        wifi_strength: measured,
      })
      .optional(),
    battery: z
      .looseObject({
        voltage: measured,
        current: measured,
        power: measured,
        soc: z.number().min(0).max(100).nullish(),
        temperature: measured,
      })
      .optional(),
    grid: z.looseObject({ voltage: measured, power: measured, frequency: measured }).optional(),
    solar: z.looseObject({ power: z.number().min(0).nullish() }).optional(),
    load: z.looseObject({ power: z.number().min(0).nullish() }).optional(),
    inverter: z.looseObject({ power: measured }).optional(),
  });
  return () => schema.safeParse(message).success;
}

function gatekeeperDecode(): () => boolean {
  const device = new DeviceState(deviceId, deviceId);
  const nowMs = Date.now();
  return () => !isRefusal(decode(device, frame, nowMs));
}
