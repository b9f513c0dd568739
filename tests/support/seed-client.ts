import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";

/** One line of `seed_client.py`. */
interface SeedEvent {
  readonly event: "connecting" | "connected" | "sent" | "received" | "refused" | "lost";
  readonly text?: string;
  readonly status?: number;
  readonly code?: number | null;
  readonly reason?: string;
}

export interface SeedClient {
  readonly events: SeedEvent[];
  /** Texts that it has sent, in order. */
  sent(): string[];
  /** Resolves with the first event of this kind, or the next after the `skip` first. */
  next(event: SeedEvent["event"], skip?: number): Promise<SeedEvent>;
  stop(): void;
}

const script = fileURLToPath(new URL("../conformance/seed_client.py", import.meta.url));

/** The first Python that has `websockets`: the one on the PATH, or Debian's. */
export const pythonWithWebsockets: string | undefined = ["python3", "/usr/bin/python3"].find(
  (python) => spawnSync(python, ["-c", "import websockets"]).status === 0,
);

/** Starts the client with these environment variables; killed with the test. */
export function startSeedClient(env: Readonly<Record<string, string>>): SeedClient {
  const child = spawn(pythonWithWebsockets ?? "python3", [script], {
    env: { PATH: process.env.PATH, RATE_HZ: "100", RETRY_S: "0.05", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const events: SeedEvent[] = [];
  let errors = "";
  createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line) as SeedEvent));
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  return {
    events,
    sent: () => events.flatMap(({ event, text }) => (event === "sent" && text !== undefined ? [text] : [])),
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
