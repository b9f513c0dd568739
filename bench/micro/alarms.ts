import type { NewAlarmRuleBody } from "@wattboard/protocol";
import { isRefusal } from "@wattboard/protocol";
import { Alarms } from "../../packages/server/dist/alarms/alarms.js";
import { alarmsInMemory } from "../../packages/server/dist/alarms/alarms-in-memory.js";
import { systemClock } from "../../packages/server/dist/base/clock.js";
import { DeviceState } from "../../packages/server/dist/devices/device-state.js";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { Ingest } from "../../packages/server/dist/telemetry/ingest.js";
import type { SampleSink } from "../../packages/server/dist/telemetry/sample-sink.js";
import { benchDeviceId, benchMessage } from "../load/message.ts";
import { Comparisons } from "../measure/comparison.ts";
import type { Scenario } from "../scenarios/scenario.ts";

const warmUpMs = 300;
const samplesPerLook = 500;
const baseline = "ingest without alarms";

/** 20 rules on ten points, as a fleet of households may have them; none of them holds for the bench's message. */
const quiet: readonly NewAlarmRuleBody[] = [
  ["battery.soc < 1", "battery.soc > 101", "battery.temperature > 55", "battery.temperature < -10"],
  ["battery.voltage < 20", "battery.voltage > 1000", "battery.power > 90000", "battery.power < -90000"],
  ["grid.voltage > 290", "grid.voltage < 150", "grid.frequency > 53", "grid.frequency < 47"],
  ["grid.power > 90000", "solar.power > 90000", "load.power > 90000", "inverter.power > 90000"],
  ["state = ERROR", "mode = MANUAL_IDLE", "inverter.temperature > 90", "solar.voltage > 1200"],
]
  .flat()
  .map((condition) => ({ name: condition, when: [condition], for_s: 60 }));

interface Subject {
  readonly ingest: Ingest;
  readonly devices: readonly { readonly state: DeviceState; readonly source: { nextSeq: number } }[];
  readonly frame: readonly Buffer[];
}

export const alarms: Scenario = {
  name: "alarms",
  summary: "what 20 rules cost a sample that rings nothing, and one for which one rings",
  method:
    "One message a device, round and round, through the gatekeeper and `Ingest` in one process, with a sink that counts alone, with alarms (the built-in rules and 20 of one's own), and with a further " +
    "rule that rings for every device all the while; rounds alternate. Counted is the thread's own time on the processor.",
  defaults: { rounds: 9, seconds: 0.5, devices: 1_000 },
  smoke: { rounds: 1, seconds: 0.05, devices: 20 },

  async run({ rounds, seconds, devices }, progress) {
    const comparisons = new Comparisons();
    const cases = {
      [baseline]: await subjectOf(devices, null),
      "20 rules, none holds": await subjectOf(devices, quiet),
      "20 rules and one that rings": await subjectOf(devices, [
        ...quiet,
        { name: "Rings", when: ["battery.soc >= 0"] },
      ]),
    };
    for (const subject of Object.values(cases)) measureNs(subject, warmUpMs);
    for (let round = 1; round <= rounds; round++) {
      let withoutNs = 0;
      for (const [name, subject] of Object.entries(cases)) {
        const ns = measureNs(subject, seconds * 1_000);
        if (name === baseline) withoutNs = ns;
        comparisons.add({ quantity: "time a sample", unit: "ns", digits: 0, baseline }, name, ns);
        if (name !== baseline) {
          const added = { quantity: "added to a sample", unit: "ns", digits: 0, baseline: "20 rules, none holds" };
          comparisons.add(added, name, Math.max(1, ns - withoutNs));
        }
        progress(`round ${round} of ${rounds}: ${name} ${ns.toFixed(0)} ns`);
      }
    }
    return comparisons.list();
  },
};

async function subjectOf(count: number, rules: readonly NewAlarmRuleBody[] | null): Promise<Subject> {
  const timestamp = new Date().toISOString();
  const ids = Array.from({ length: count }, (_, at) => benchDeviceId(at));
  // As on a server, somebody else hears of each sample as well.
  let heard = 0;
  const sinks: SampleSink[] = [{ accept: (device, sample) => void (device.isNewest(sample) && heard++) }];
  if (rules !== null) sinks.push(await alarmsWith(ids, rules));
  return {
    ingest: new Ingest(systemClock, sinks, { dropped() {}, leftOut() {}, clockChanged() {} }, () => {}),
    devices: ids.map((deviceId) => ({
      state: new DeviceState(deviceId, deviceId),
      source: { epoch: 1, dialect: "native", nextSeq: 0, journal: null, waiter: null, fenced: false },
    })),
    frame: ids.map((deviceId) => Buffer.from(benchMessage(deviceId, timestamp))),
  };
}

async function alarmsWith(ids: readonly string[], rules: readonly NewAlarmRuleBody[]): Promise<Alarms> {
  const registered = new Map(
    ids.map((deviceId) => [
      deviceId,
      {
        deviceId,
        name: deviceId,
        properties: { site: deviceId },
        reported: {},
        createdAtMs: 0,
        registration: firstRegistration(deviceId),
        token: { salt: new Uint8Array(), hash: new Uint8Array(), sealKey: null },
      },
    ]),
  );
  let number = 0;
  const alarms = new Alarms({
    clock: systemClock,
    newId: () => String(++number),
    store: alarmsInMemory(),
    observer: { failed() {}, recovered() {} },
    devices: { find: (deviceId) => registered.get(deviceId), findRegistered: (key) => registered.get(key) },
    latest: { find: () => undefined },
    isOnline: () => true,
    offlineSinceMs: () => null,
  });
  await alarms.restore();
  for (const rule of rules) {
    const made = await alarms.addRule(rule);
    if (isRefusal(made)) throw new Error(made.message);
  }
  return alarms;
}

/** By the thread's own time on the processor, so that what else runs on the machine does not count. */
function measureNs({ ingest, devices, frame }: Subject, forMs: number): number {
  const startedAtMs = performance.now();
  const before = process.threadCpuUsage();
  let samples = 0;
  let at = 0;
  while (performance.now() - startedAtMs < forMs) {
    for (let i = 0; i < samplesPerLook; i++) {
      at = at + 1 === devices.length ? 0 : at + 1;
      const { state, source } = devices[at] as Subject["devices"][number];
      // Its time stands still, as a device's does not: it is filed by the server's.
      if (ingest.receive(state, source as never, frame[at] as Buffer, false) !== null) {
        throw new Error("The message of the bench was refused.");
      }
    }
    samples += samplesPerLook;
  }
  const { user, system } = process.threadCpuUsage(before);
  return ((user + system) * 1e3) / samples;
}
