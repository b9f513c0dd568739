import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";

/** One line of a client's output. */
interface PythonEvent {
  readonly event: "connecting" | "connected" | "sent" | "received" | "answered" | "unanswered" | "refused" | "lost";
  readonly text?: string;
  readonly status?: number;
  readonly subprotocol?: string | null;
  readonly code?: number | null;
  readonly reason?: string;
}

/** A client in Python, of `tests/conformance`, that tells what it does. */
export interface PythonClient {
  readonly events: PythonEvent[];
  /** Texts that it has sent, in order. */
  sent(): string[];
  /** Texts of this kind of event, in order. */
  texts(event: PythonEvent["event"]): string[];
  /** Resolves with the first event of this kind, or the next after the `skip` first. */
  next(event: PythonEvent["event"], skip?: number): Promise<PythonEvent>;
  stop(): void;
}

/** The first Python that has `websockets`: the one on the PATH, or Debian's. */
export const pythonWithWebsockets: string | undefined = ["python3", "/usr/bin/python3"].find(
  (python) => spawnSync(python, ["-c", "import websockets"]).status === 0,
);

/** Starts the edge client of the seeds' client guide with these environment variables; killed with the test. */
export function startSeedClient(env: Readonly<Record<string, string>>): PythonClient {
  return start("seed_client.py", [], { RATE_HZ: "100", RETRY_S: "0.05", ...env });
}

/** Starts a SolMate with these flags; killed with the test. */
export function startSolMateClient(flags: readonly string[]): PythonClient {
  return start("solmate_client.py", ["--min-sleep=0.01", "--max-sleep=0.02", "--retry=0.05", ...flags], {});
}

function start(script: string, flags: readonly string[], env: Readonly<Record<string, string>>): PythonClient {
  const path = fileURLToPath(new URL(`../conformance/${script}`, import.meta.url));
  const child = spawn(pythonWithWebsockets ?? "python3", [path, ...flags], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const events: PythonEvent[] = [];
  let errors = "";
  createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line) as PythonEvent));
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const texts = (wanted: PythonEvent["event"]) =>
    events.flatMap(({ event, text }) => (event === wanted && text !== undefined ? [text] : []));
  return {
    events,
    texts,
    sent: () => texts("sent"),
    next: (wanted, skip = 0) =>
      eventually(
        () => {
          const found = events.filter(({ event }) => event === wanted)[skip];
          if (found === undefined) throw new Error(`not "${wanted}" yet, but ${JSON.stringify(events)} ${errors}`);
          return found;
        },
        { withinMs: 10_000 },
      ),
    stop: () => {
      child.kill("SIGKILL");
    },
  };
}
