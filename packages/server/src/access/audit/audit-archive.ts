import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { systemErrorCode } from "../../base/failure.ts";
import type { ChainedRow } from "./audit-chain.ts";

/** A row with what it is chained to: the row before it may be in a file that is gone. */
export interface ArchivedRow extends ChainedRow {
  readonly previousHash: string;
}

const filePattern = /^audit-(\d{12})\.ndjson\.gz$/;

/** The oldest rows of the audit, in files beside it that are named by their first row: one row a line, gzip. */
export class AuditArchive {
  readonly #folder: string;
  readonly #filesMax: number;

  /** Above `filesMax` the oldest file is deleted. */
  constructor(folder: string, filesMax: number) {
    this.#folder = folder;
    this.#filesMax = filesMax;
  }

  /** The files' names, oldest first. */
  names(): string[] {
    return readdirSync(this.#folder)
      .filter((name) => filePattern.test(name))
      .sort();
  }

  /** The file's rows. What is not what was written there is a row that fits nowhere, or missing. */
  *read(name: string): Generator<ArchivedRow> {
    let text = "";
    try {
      text = gunzipSync(readFileSync(join(this.#folder, name))).toString();
    } catch {
      // Cut off or overwritten: what should be in it is then missing, and the walk says so.
    }
    for (const line of text.split("\n")) if (line !== "") yield parseRow(line);
  }

  /** Writes a file of rows that follow one another, at once or not at all; one of the same rows is written again. */
  write(rows: readonly ChainedRow[], hashBefore: string): void {
    const lines = rows.map((row, at) => JSON.stringify({ ...row, previousHash: rows[at - 1]?.hash ?? hashBefore }));
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `audit-${String(rows[0]?.seq).padStart(12, "0")}.ndjson.gz`);
    writeFileSync(`${path}.new`, gzipSync(`${lines.join("\n")}\n`), { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }

  deleteOldest(): void {
    const names = this.names();
    const tooMany = Math.max(0, names.length - this.#filesMax);
    for (const name of names.slice(0, tooMany)) rmSync(join(this.#folder, name));
  }

  /** Copies the files whose rows begin at `seqMax` or before. */
  async copyTo(folder: string, seqMax: number): Promise<void> {
    for (const name of this.names()) {
      if (firstSeqOf(name) > seqMax) continue;
      await copyFile(join(this.#folder, name), join(folder, name)).catch((error: unknown) => {
        // The oldest may have gone meanwhile, as it does where there are too many.
        if (systemErrorCode(error) !== "ENOENT") throw error;
      });
    }
  }
}

/** The number of the first row in the file of that name. */
export function firstSeqOf(name: string): number {
  return Number(filePattern.exec(name)?.[1]);
}

function parseRow(line: string): ArchivedRow {
  try {
    return JSON.parse(line);
  } catch {
    return {
      seq: -1,
      atMs: 0,
      who: "",
      address: "",
      action: "",
      deviceId: null,
      target: null,
      outcome: "",
      detail: {},
      hash: "",
      previousHash: "",
    };
  }
}
