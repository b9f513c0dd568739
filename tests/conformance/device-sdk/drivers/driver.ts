// Drives `@wattboard/device` for the conformance suite: orders on stdin, what happens on stdout, one JSON object a line (`sdk-process.ts`).

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import {
  type Clock,
  CommandRejected,
  connectDevice,
  fileCommandMemory,
  fileJournal,
  fileTokenStore,
  memoryJournal,
} from "@wattboard/device";

interface SendOrder {
  readonly do: "send";
  readonly from: number;
  readonly to: number;
  readonly noiseBytes: number;
}

const env = process.env as Record<string, string>;
const speed = Number(env.SPEED);
const { JOURNAL: folder = "memory", JOURNAL_BYTES: bytes } = env;

const fastClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now() * speed,
  setTimeout: (run, delayMs) => setTimeout(run, delayMs / speed),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

function report(event: string, details: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);
}

function start() {
  const bounds = bytes === undefined ? {} : { bytesMax: Number(bytes) };
  const isLasting = folder !== "memory";
  return connectDevice({
    journal: isLasting ? fileJournal(folder, bounds) : memoryJournal(bounds),
    ...(isLasting && {
      commandMemory: fileCommandMemory(`${folder}-commands.json`),
      tokenStore: fileTokenStore(`${folder}/token.json`),
    }),
    announcement: {
      commands: { SET_MODE: { target_power: { MANUAL_CHARGE: { maximum: 2500 } }, leases: true }, RESET_ERROR: {} },
      parameters: [{ name: "reserve_soc", type: "integer", unit: "%", minimum: 5, maximum: 50 }],
    },
    async onCommand(command) {
      report("command", { command });
      if (command.action === "SET_MODE" && command.payload.target_mode === "MANUAL_IDLE") {
        throw new CommandRejected("not today");
      }
      if (command.action === "RESET_ERROR") throw new Error("it is stuck");
    },
    onStatus: (status) =>
      report("status", {
        state: status.state,
        ...(status.state === "waiting" && { code: status.outage.code, retryInS: status.retryInMs / 1_000 }),
      }),
    log: ({ code, message }) => report("notice", { code, message }),
    clock: fastClock,
  });
}

async function main(): Promise<void> {
  const device = start();
  report("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as SendOrder;
    for (let n = order.from; n <= order.to; n++) {
      device.send({ solar: { power: n }, load: { note: randomBytes(order.noiseBytes).toString("hex") } });
    }
    report("sent", { to: order.to });
  }
  await device.stop();
  report("stopped");
}

main().catch((error: Error) => {
  report("failed", { message: error.message });
  process.exitCode = 1;
});
