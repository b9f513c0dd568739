// Devices of `@wattboard/device` in a process of their own, for tests: `node fleet.ts RATE_HZ SPEED`, with a line of JSON for each device on standard
// input. Each numbers what it measures, from the time of day on, so that no number comes twice, whatever becomes of the process.
import { createInterface } from "node:readline";
import { connectDevice } from "@wattboard/device";

interface Member {
  readonly device_id: string;
  readonly token: string;
  readonly url: string;
  readonly journal: string;
}

const [rateHz = 1, speed = 1] = process.argv.slice(2).map(Number);
const clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now() * speed,
  setTimeout: (run: () => void, delayMs: number) => setTimeout(run, delayMs / speed),
  clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { device_id: deviceId, token, url, journal } = JSON.parse(line) as Member;
  const device = connectDevice({ deviceId, token, url, journal, clock, log: () => {} });
  let last = 0;
  setInterval(() => {
    last = Math.max(last + 1, Date.now() % 1_000_000_000);
    device.send({ timestamp: new Date().toISOString(), system_status: {}, own: { number: last } });
  }, 1_000 / rateHz);
});
