import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, onTestFinished, vi } from "vitest";
import { eventually, inTime } from "./eventually.ts";

/** The command line as the package installs it; needs the build. */
export const wattboardBin = fileURLToPath(new URL("../../packages/server/bin/wattboard.js", import.meta.url));

/** When what a helper made is cleaned up: with the test, or with the file (see {@link untilFileEnds}). */
export type Until = (cleanup: () => void | Promise<void>) => void;

/** For what several tests of a file share. Call it at the top of the file. */
export function untilFileEnds(): Until {
  const cleanups: (() => void | Promise<void>)[] = [];
  afterAll(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });
  return (cleanup) => cleanups.push(cleanup);
}

/** A folder that is gone when the test, or the file, is. */
export function makeFolder(until: Until = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-cli-"));
  until(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** As `input`: the test writes to `child.stdin` itself. */
export const openInput: unique symbol = Symbol("open input");

export interface CliOptions {
  /** Over this process's environment, of which no `WATTBOARD_…` is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input, whole or left open; without it there is none. */
  readonly input?: string | typeof openInput;
  readonly until?: Until;
  /** How many files the process may have open; by default as many as this one. */
  readonly descriptors?: number;
}

export interface CliResult {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs on; killed in any case when the test, or the file, ends. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<CliResult>;
  stdout = "";
  stderr = "";

  constructor(
    args: readonly string[],
    { env = {}, cwd = tmpdir(), input, until = onTestFinished, descriptors }: CliOptions = {},
  ) {
    const command = [process.execPath, wattboardBin, ...args];
    const limited = ["sh", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh", ...command];
    const [program = "", ...words] = descriptors === undefined ? command : limited;
    const child = spawn(program, words, {
      env: { ...ownEnvironment(), ...env },
      cwd,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    child.stdin?.on("error", () => {});
    if (typeof input === "string") child.stdin?.end(input);
    this.exited = new Promise((resolve) => {
      child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
    until(async () => {
      child.kill("SIGKILL");
      await this.exited;
    });
  }

  /** Resolves when the process is gone, which must not take longer than `withinMs` (longer on a busy machine). */
  async exit(withinMs = 10_000): Promise<CliResult> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`the process still runs after ${withinMs} ms\n${this.stdout}\n${this.stderr}`));
      }, inTime(withinMs));
    });
    return await Promise.race([this.exited, late]).finally(() => clearTimeout(timer));
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when the output holds what is looked for; fails at once where the process ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const found = await eventually(
      () => {
        const match = pattern.exec(this.stdout);
        if (match === null && this.isRunning) throw new Error(`no ${pattern} in:\n${this.stdout}\n${this.stderr}`);
        return match;
      },
      { withinMs: 15_000 },
    );
    if (found === null) throw new Error(`it ended without ${pattern}:\n${this.stdout}\n${this.stderr}`);
    return found;
  }
}

/** What does something and ends, whether a server runs or not: it needs no process of its own. */
const tasks = [
  ...["device", "user", "api-token", "share", "audit", "store", "command"],
  ...["export", "import", "history", "backup", "restore"],
];
let isBusyHere = false;

/**
 * Runs one command to its end: in this process where it can, as a process of its own where it goes on for longer, or another one runs here just
 * now. A process costs most of a second of a core.
 */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { descriptors, input, ...rest } = options;
  const isTask = tasks.includes(args[0] ?? "") && descriptors === undefined && input !== openInput;
  if (!isTask || isBusyHere) return await new CliProcess(args, options).exit(15_000);
  return await runCliHere(args, { ...rest, ...(input !== undefined && { input }) });
}

/** Runs one command to its end in this process, which is as that of the command meanwhile. */
export async function runCliHere(
  args: readonly string[],
  { env = {}, cwd = tmpdir(), input = "" }: Pick<CliOptions, "env" | "cwd"> & { readonly input?: string } = {},
): Promise<CliResult> {
  const { main }: { main(args: readonly string[]): Promise<number> } = createRequire(import.meta.url)(
    "../../packages/server/dist/main.js",
  );
  const before = { cwd: process.cwd(), env: process.env };
  const listeners = [process.stdout, process.stderr].map((stream) => ({ stream, kept: stream.listeners("error") }));
  const printed = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((chunk, ...more) => {
      printed[name].push(Buffer.from(chunk as string));
      const written = more.find((each) => typeof each === "function");
      if (written !== undefined) queueMicrotask(written);
      return true;
    }),
  );
  const stdin = vi.spyOn(process, "stdin", "get");
  stdin.mockReturnValue(Readable.from([input]) as typeof process.stdin);
  isBusyHere = true;
  process.chdir(cwd);
  process.env = { ...ownEnvironment(), ...env };
  try {
    const code = await main(args);
    const text = (name: keyof typeof printed) => Buffer.concat(printed[name]).toString();
    return { code, stdout: text("stdout"), stderr: text("stderr") };
  } finally {
    isBusyHere = false;
    process.env = before.env;
    process.chdir(before.cwd);
    for (const spy of [stdin, ...spies]) spy.mockRestore();
    for (const { stream, kept } of listeners) {
      for (const each of stream.listeners("error")) if (!kept.includes(each)) stream.off("error", each as () => void);
    }
  }
}

function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WATTBOARD_")));
}

/** Runs one command that must succeed, and gives what its one line of JSON says. */
export async function runJson<T>(args: readonly string[], options: CliOptions = {}): Promise<T> {
  const { code, stdout, stderr } = await runCli([...args, "--json"], options);
  if (code !== 0) throw new Error(`wattboard ${args.join(" ")} ended with ${code}: ${stderr}`);
  if (!/^[^\n]+\n$/.test(stdout)) throw new Error(`not one line: ${JSON.stringify(stdout)}`);
  return JSON.parse(stdout) as T;
}

/** A line of the server's log. */
type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** `wattboard serve` as a process of its own. */
export interface ServeProcess {
  readonly process: CliProcess;
  readonly url: string;
  readonly wsUrl: string;
  readonly dataDir: string;
  /** Every line that it has logged so far; throws where one is not JSON. */
  logs(): LogLine[];
  /** Registers a device, as the command line of this machine does while the server runs, and gives its token. */
  addDevice(deviceId: string): Promise<string>;
  /** SIGTERM, and the end. */
  stop(): Promise<CliResult>;
}

export interface ServeOptions extends CliOptions {
  readonly dataDir?: string;
  /** Further arguments; they go over the usual ones: a free port, dashboards open to all, samples stored at once. */
  readonly args?: readonly string[];
}

export async function startServe({ dataDir, args = [], ...options }: ServeOptions = {}): Promise<ServeProcess> {
  const folder = dataDir ?? makeFolder(options.until);
  const usual = ["--port=0", `--data-dir=${folder}`, "--access-dashboards=public", "--store-flush-ms=10"];
  const serve = new CliProcess(["serve", ...usual, ...args], options);
  await serve.printed(/"msg":"wattboard is ready"/);
  const logs = () => parseLog(serve.stdout);
  const url = String(logs().find(({ msg }) => msg === "wattboard is ready")?.url);
  return {
    process: serve,
    url,
    wsUrl: url.replace("http", "ws"),
    dataDir: folder,
    logs,
    async addDevice(deviceId) {
      const control = JSON.parse(readFileSync(join(folder, "control.json"), "utf8")) as { url: string; token: string };
      const response = await fetch(`${control.url}/api/v1/devices`, {
        method: "POST",
        headers: { authorization: `Bearer ${control.token}`, "content-type": "application/json" },
        body: JSON.stringify({ device_id: deviceId }),
      });
      if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
      return ((await response.json()) as { token: string }).token;
    },
    async stop() {
      serve.signal("SIGTERM");
      return await serve.exit();
    },
  };
}

/** Only whole lines: the last one may still be on its way. */
function parseLog(text: string): LogLine[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
}
