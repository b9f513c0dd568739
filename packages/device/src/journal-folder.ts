import { constants, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Files of a folder, as a journal needs them. What is asked at the start waits for the disk; what comes later does not. */
export interface JournalFolder {
  names(): string[];
  readNow(name: string): Buffer;
  read(name: string): Promise<Buffer>;
  /** Writes at a place of a file, which is made if there is none. */
  write(name: string, bytes: Uint8Array, position: number): Promise<void>;
  /** What was written is on the disk when this resolves. */
  sync(): Promise<void>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** A device must not have this folder: a setting is wrong. */
export class JournalError extends Error {
  readonly code: "journal_in_use" | "journal_of_other_device";

  constructor(code: JournalError["code"], message: string) {
    super(message);
    this.name = "JournalError";
    this.code = code;
  }
}

const lockName = "lock";
/** A lock without a text that is no older than this is just being written. */
const lockMsMax = 5_000;

function inUse(folder: string, lockPath: string): JournalError {
  const message = `The journal in ${folder} is in use by the process that ${lockPath} names. Each device needs a folder of its own: end that process, or name another folder.`;
  return new JournalError("journal_in_use", message);
}

/** Opens a folder of the file system, for one device alone; makes it where there is none. Throws where it cannot be written to. */
export function openJournalFolder(path: string): JournalFolder {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  lock(folder);
  return new DiskFolder(folder);
}

class DiskFolder implements JournalFolder {
  readonly #folder: string;
  /** The file that was written to last. */
  #open: { readonly name: string; readonly file: FileHandle } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  names(): string[] {
    return readdirSync(this.#folder);
  }

  readNow(name: string): Buffer {
    return readFileSync(join(this.#folder, name));
  }

  read(name: string): Promise<Buffer> {
    return readFile(join(this.#folder, name));
  }

  async write(name: string, bytes: Uint8Array, position: number): Promise<void> {
    const file = await this.#fileOf(name);
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
    if (position === 0) await this.#syncEntry();
  }

  async sync(): Promise<void> {
    await this.#open?.file.datasync();
  }

  remove(name: string): Promise<void> {
    return rm(join(this.#folder, name), { force: true });
  }

  async close(): Promise<void> {
    if (this.#open !== null) await this.#open.file.close();
    this.#open = null;
    rmSync(join(this.#folder, lockName), { force: true });
  }

  async #fileOf(name: string): Promise<FileHandle> {
    if (this.#open?.name === name) return this.#open.file;
    await this.sync();
    await this.#open?.file.close();
    this.#open = null;
    const file = await open(join(this.#folder, name), constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#open = { name, file };
    return file;
  }

  /** A new file's name is on the disk too. Where a folder cannot be opened as a file (Windows), the system sees to it. */
  async #syncEntry(): Promise<void> {
    try {
      const folder = await open(this.#folder, "r");
      await folder.sync().finally(() => folder.close());
    } catch {}
  }
}

/** Writes which process has the folder; throws if one that still runs has it, be it this one. */
function lock(folder: string): void {
  const path = join(folder, lockName);
  for (let tries = 0; tries < 3; tries++) {
    try {
      writeFileSync(path, `${process.pid} ${processStartOf(process.pid)}`, { flag: "wx", mode: 0o600 });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (isLocked(path)) throw inUse(folder, path);
    rmSync(path, { force: true });
  }
  throw inUse(folder, path);
}

function isLocked(path: string): boolean {
  try {
    const text = readFileSync(path, "utf8");
    const [pid, start = ""] = text.split(" ");
    if (text !== "") return isRunning(Number(pid)) && start === processStartOf(Number(pid));
    const ageMs = Date.now() - statSync(path).mtimeMs;
    return ageMs >= 0 && ageMs < lockMsMax;
  } catch {
    // It has just been let go.
    return false;
  }
}

function isRunning(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process was started, and by which start of the machine: after a power failure its number is soon another's. Empty where it cannot be told. */
function processStartOf(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return `${boot}/${stat.slice(stat.lastIndexOf(")")).split(" ")[20]}`;
  } catch {
    return "";
  }
}
