import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atEnd } from "../measure/cleanup.ts";
import { onServerCore } from "../measure/pinning.ts";
import type { Disk } from "./subject.ts";
import type { SubjectKind, TaskName, Tasks } from "./task.ts";

const program = fileURLToPath(new URL("./subject-program.ts", import.meta.url));

/** It cannot be measured on this machine; the message says why. */
export class NotAvailable extends Error {}

type Reply = { readonly result: unknown } | { readonly error: unknown };

/** A subject in a process of its own on the server's core, with a folder of its own. Neither outlives the bench. */
export class SubjectProcess {
  readonly kind: SubjectKind;
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #remove: () => void;

  private constructor(kind: SubjectKind, folder: string, profileDir: string | undefined) {
    this.kind = kind;
    this.folder = folder;
    const profile = profileDir === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDir];
    const [command, args] = onServerCore([...profile, program, kind, folder]);
    this.#child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit", "ipc"], serialization: "advanced" });
    this.#exited = once(this.#child, "exit");
    const remove = (): void => rmSync(folder, { recursive: true, force: true });
    const keep = atEnd(() => {
      // PostgreSQL must be stopped by the process that has started it.
      this.#child.kill(kind === "postgres" ? "SIGTERM" : "SIGKILL");
      remove();
    });
    this.#remove = () => {
      remove();
      keep();
    };
  }

  /** Throws `NotAvailable` where the subject cannot be opened here. */
  static async open(
    kind: SubjectKind,
    { profileDir }: { profileDir?: string | undefined } = {},
  ): Promise<SubjectProcess> {
    const folder = mkdtempSync(join(tmpdir(), "wattboard-bench-"));
    const subject = new SubjectProcess(kind, folder, profileDir);
    const reply = await subject.#reply();
    if (!("error" in reply)) return subject;
    await subject.#exited;
    subject.#remove();
    throw new NotAvailable(String(reply.error));
  }

  async run<Name extends TaskName>(name: Name, task: Tasks[Name]["task"]): Promise<Tasks[Name]["result"]> {
    const reply = this.#reply();
    this.#child.send({ name, task });
    const found = await reply;
    if ("error" in found) throw new Error(`${this.kind}, ${name}: ${found.error}`);
    return found.result as Tasks[Name]["result"];
  }

  /** Closes it in order, and deletes its files; tells how much they were. */
  async close(): Promise<Disk> {
    const disk = await this.run("close", {});
    await this.#exited;
    this.#remove();
    return disk;
  }

  /** Ends it as a crash does; `remove` deletes its files. */
  async kill(): Promise<() => void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
    return this.#remove;
  }

  async #reply(): Promise<Reply> {
    const ended = this.#exited.then(() => ({ error: "its process has ended" }));
    return await Promise.race([once(this.#child, "message").then(([reply]) => reply as Reply), ended]);
  }
}
