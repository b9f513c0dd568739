import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { databaseFault } from "../base/database-file.ts";
import { Failure } from "../base/failure.ts";
import { OpenFiles } from "../base/open-files.ts";
import type { OwedEntry } from "./audit/audit.ts";

export type RevocationKind = "device" | "api_token" | "one_time_links" | "person" | "session" | "share_link";

/** Something that was taken back. `mark` tells it from what may bear the same key later. */
interface Revocation {
  readonly kind: RevocationKind;
  readonly key: string;
  readonly mark: string;
}

type RevocationLine = { readonly revoked: Revocation } | { readonly owed: OwedEntry };

/** Takes back, in memory and in `access.db`, what still is what was revoked. May be called more than once. Throws where the file cannot be written. */
type Enforce = (key: string, mark: string) => void;

/** For some hundred lines. Where they do not suffice, further revocations are refused until the disk has room. */
const journalBytes = 64 * 1024;
/** Behind them, given up for other files that must be written while the disk is full. */
const spareBytes = 32 * 1024;

const fileName = "revocations";

/**
 * What is taken back holds at once and across restarts, also while the disk is full: then it is written to a small file whose room was taken
 * while there was some, and from there to `access.db` and `audit.db` as soon as they can be written again.
 */
export class Revocations {
  readonly #enforce = new Map<RevocationKind, Enforce>();
  readonly #file: number | null;
  readonly #files: OpenFiles;
  readonly #lines: RevocationLine[] = [];
  #end = 0;

  /** Opens the file in the data folder, whose lock the caller holds, and takes its room. Without any, only what the disk has room for is revoked. */
  constructor(dataDir: string) {
    const path = join(dataDir, fileName);
    this.#file = open(path);
    this.#files = new OpenFiles([path]);
    if (this.#file === null) return;
    const content = Buffer.alloc(journalBytes);
    readSync(this.#file, content, 0, journalBytes, 0);
    const end = content.lastIndexOf("\n") + 1;
    for (const text of content.subarray(0, end).toString().split("\n")) {
      const line = parse(text);
      if (line !== null) this.#lines.push(line);
    }
    this.#end = end;
  }

  /** Who enforces revocations of a kind that are in the file already, and does so now; later again, until `access.db` has them. */
  enforceWith(kind: RevocationKind, enforce: Enforce): void {
    this.#enforce.set(kind, enforce);
    for (const line of this.#lines) {
      if (!("revoked" in line) || line.revoked.kind !== kind) continue;
      unlessDiskFault(() => enforce(line.revoked.key, line.revoked.mark));
    }
  }

  /** Lets `save` write down what was taken back in memory; where the disk does not let it, notes it. Throws where neither can be done. */
  save(kind: RevocationKind, key: string, mark: string, save: () => void): void {
    const error = unlessDiskFault(save);
    if (error !== null) this.#append({ revoked: { kind, key, mark } }, error);
  }

  /** Notes an entry for the audit, which could not record it: `error` is why. Throws that where it cannot be noted either. */
  owe(entry: OwedEntry, error: unknown): void {
    this.#append({ owed: entry }, error);
  }

  /** Writes all that waits where it belongs, and forgets it then; `record` puts entries into the audit. False where the disk does not let it yet. */
  settle(record: (entries: readonly OwedEntry[]) => void): boolean {
    if (this.#lines.length === 0) return true;
    const error = unlessDiskFault(() => {
      for (const line of this.#lines) {
        if ("revoked" in line) this.#enforce.get(line.revoked.kind)?.(line.revoked.key, line.revoked.mark);
      }
      const owed = this.#lines.flatMap((line) => ("owed" in line ? [line.owed] : []));
      if (owed.length > 0) record(owed);
      this.#lines.length = 0;
      if (this.#file === null) return;
      // In place: the room stays taken.
      writeSync(this.#file, Buffer.alloc(this.#end), 0, this.#end, 0);
      fdatasyncSync(this.#file);
      this.#end = 0;
    });
    return error === null;
  }

  /** Gives up what is taken beyond the lines themselves, for a file that must be written now. The next start takes it again. */
  giveRoom(): void {
    if (this.#file !== null && fstatSync(this.#file).size > journalBytes) ftruncateSync(this.#file, journalBytes);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }

  #append(line: RevocationLine, error: unknown): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    const isLost = this.#file === null || this.#files.findMissing() !== null;
    if (isLost || this.#file === null || this.#end + bytes.length > journalBytes) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure(
        "audit_failed",
        `It holds until the server restarts, but cannot be written down: ${reason}. Make room on the disk of the data folder, and do it again.`,
        error,
      );
    }
    writeSync(this.#file, bytes, 0, bytes.length, this.#end);
    fdatasyncSync(this.#file);
    this.#end += bytes.length;
    this.#lines.push(line);
  }
}

/** Null where there is no room for it, and none was taken before. */
function open(path: string): number | null {
  const file = openSync(path, "a+", 0o600);
  closeSync(file);
  const opened = openSync(path, "r+");
  try {
    const { size } = fstatSync(opened);
    const missing = journalBytes + spareBytes - size;
    if (missing > 0) {
      writeSync(opened, Buffer.alloc(missing), 0, missing, size);
      fdatasyncSync(opened);
    }
  } catch (error) {
    if (databaseFault(error) !== "full") throw error;
    if (fstatSync(opened).size < journalBytes) {
      closeSync(opened);
      return null;
    }
  }
  return opened;
}

function parse(text: string): RevocationLine | null {
  try {
    return JSON.parse(text.replaceAll("\0", "")) as RevocationLine;
  } catch {
    // Cut off by a power failure: nobody was told that it holds.
    return null;
  }
}

/** Runs the task; gives what the disk's fault was where it fails for that, else null. */
function unlessDiskFault(task: () => void): unknown {
  try {
    task();
    return null;
  } catch (error) {
    const isAudit = error instanceof Failure && error.code === "audit_failed";
    if (!isAudit && databaseFault(error) === null) throw error;
    return error;
  }
}
