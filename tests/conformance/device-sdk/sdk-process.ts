import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { eventually } from "@wattboard/testing";
import { describe, onTestFinished } from "vitest";
import { needs } from "../../support/needs.ts";
import { pythonWithWebsockets } from "../../support/python-client.ts";
import { temporaryFolder } from "../../support/start-server.ts";

/** How much faster time goes for an SDK than for the suite: its retry after 5 s comes after half a second. */
const speed = 10;

/** One line of a driver's output. */
export interface SdkEvent {
  readonly event: "ready" | "failed" | "status" | "command" | "notice" | "sent" | "stopped";
  readonly state?: string;
  /** Of an outage, or of a notice. */
  readonly code?: string;
  /** By the SDK's clock. */
  readonly retryInS?: number;
  readonly message?: string;
  readonly command?: Readonly<Record<string, unknown>>;
}

/** A device in a process of its own, driven through its SDK. */
export interface SdkProcess {
  readonly events: SdkEvent[];
  of(event: SdkEvent["event"]): SdkEvent[];
  /** Sends samples whose `solar.power` is `from` to `to`; `noiseBytes` makes each so much larger. Resolves when the SDK has them. */
  send(from: number, to?: number, noiseBytes?: number): Promise<void>;
  /** As SIGTERM would; resolves when the process has ended. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

interface StartOptions {
  readonly url: string;
  /** A folder, or `memory`. */
  readonly journal: string;
  readonly journalBytes?: number;
}

export interface Sdk {
  readonly name: string;
  /** `ws` refuses an answer without the subprotocol that it has offered, as browsers do. */
  readonly takesPlainServers: boolean;
  start(options: StartOptions): SdkProcess;
}

const driver = (file: string) => fileURLToPath(new URL(`drivers/${file}`, import.meta.url));

const python: Sdk = {
  name: "wattboard-device (Python)",
  takesPlainServers: true,
  start: ({ journal, ...options }) =>
    start(pythonWithWebsockets ?? "python3", driver("driver.py"), {
      ...options,
      journal: journal === "memory" ? ":memory:" : journal,
    }),
};

const typeScript: Sdk = {
  name: "@wattboard/device",
  takesPlainServers: false,
  start: (options) => start(process.execPath, driver("driver.ts"), options),
};

/** The same suite for each SDK. */
export function forEachSdk(title: string, suite: (sdk: Sdk) => void): void {
  describe(`${typeScript.name}: ${title}`, () => suite(typeScript));
  needs("python3-websockets", pythonWithWebsockets !== undefined)(`${python.name}: ${title}`, () => suite(python));
}

/** A folder for a journal, gone with the test. */
export const journalFolder = temporaryFolder;

function start(program: string, path: string, { url, journal, journalBytes }: StartOptions): SdkProcess {
  const child: ChildProcess = spawn(program, [path], {
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: fileURLToPath(new URL("../../../packages/device-python/src", import.meta.url)),
      PYTHONDONTWRITEBYTECODE: "1",
      DEVICE_ID: "ems_001",
      API_TOKEN: "a-token-of-the-suite",
      WATTBOARD_URL: url,
      JOURNAL: journal,
      ...(journalBytes !== undefined && { JOURNAL_BYTES: String(journalBytes) }),
      SPEED: String(speed),
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = () => {
    child.kill("SIGKILL");
    return ended;
  };
  onTestFinished(kill);
  const events: SdkEvent[] = [];
  let errors = "";
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line) as SdkEvent));
  }
  child.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  const of = (wanted: SdkEvent["event"]) => events.filter(({ event }) => event === wanted);
  let orders = 0;
  return {
    events,
    of,
    async send(from, to = from, noiseBytes = 0) {
      orders++;
      child.stdin?.write(`${JSON.stringify({ do: "send", from, to, noiseBytes })}\n`);
      await eventually(
        () => {
          if (of("sent").length < orders) throw new Error(`not sent: ${JSON.stringify(events.slice(-5))} ${errors}`);
        },
        { withinMs: 20_000 },
      );
    },
    async stop() {
      child.stdin?.end();
      await ended;
    },
    kill,
  };
}
