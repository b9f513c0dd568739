import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { atEnd } from "../measure/cleanup.ts";
import { onServerCore } from "../measure/pinning.ts";
import type { ServerOptions } from "./server.ts";

const stopMsMax = 15_000;
const complaintCharsMax = 4_000;

/** A server's process on the server's core. It never outlives the bench. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #complaint = "";

  constructor(script: string, args: readonly string[], env: Record<string, string>, options: ServerOptions) {
    const { collectable = false, profileDir, probed = false } = options;
    const [command, commandArgs] = onServerCore([
      ...(collectable ? ["--expose-gc", "--import", new URL("collect-on-signal.ts", import.meta.url).href] : []),
      ...(probed ? ["--import", new URL("turn-probe.ts", import.meta.url).href] : []),
      ...(profileDir === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDir]),
      script,
      ...args,
    ]);
    this.#child = spawn(command, commandArgs, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe", ...(probed ? (["ipc"] as const) : [])],
    });
    this.#child.stderr?.on("data", (text) => {
      this.#complaint = (this.#complaint + text).slice(-complaintCharsMax);
    });
    const keep = atEnd(() => this.#child.kill("SIGKILL"));
    this.#exited = once(this.#child, "exit").finally(keep);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The longest turn of its event loop since this was asked last, ms of CPU time; for `probed`. */
  async longestTurnMs(): Promise<number> {
    this.#child.send("look");
    const [ms] = (await once(this.#child, "message")) as [number];
    return ms;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Throws where the server has ended by itself. */
  assertRuns(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return;
    throw new Error(`The server ended by itself. It said:\n${this.#complaint}`);
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopMsMax);
    await this.#exited;
    clearTimeout(timer);
  }
}
