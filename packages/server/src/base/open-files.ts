import { statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Failure } from "./failure.ts";

interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * Whether paths still lead to the files that are open under them. They may have been deleted, moved, or hidden by an unmount: the open files
 * take all that is written to them then, and nobody ever finds it again.
 */
export class OpenFiles {
  readonly #identities: Map<string, FileIdentity | null>;

  /** A file that is not there yet counts from when it is first seen. */
  constructor(paths: readonly string[]) {
    this.#identities = new Map(paths.map((path) => [path, null]));
    this.findMissing();
  }

  /** The first file that is not where it was, by its name; null where all are. */
  findMissing(): string | null {
    for (const path of this.#identities.keys()) {
      if (this.#isMissing(path, statSync(path, { bigint: true, throwIfNoEntry: false }))) return basename(path);
    }
    return null;
  }

  /** As `findMissing`, without waiting for the disk. */
  async lookForMissing(): Promise<string | null> {
    for (const path of this.#identities.keys()) {
      const found = await stat(path, { bigint: true }).catch(() => undefined);
      if (this.#isMissing(path, found)) return basename(path);
    }
    return null;
  }

  /** Throws a `Failure`, `data_dir_gone`, where one is not where it was. */
  assertInPlace(): void {
    const name = this.findMissing();
    if (name !== null) throw folderGone(name);
  }

  #isMissing(path: string, found: FileIdentity | undefined): boolean {
    const known = this.#identities.get(path) ?? null;
    if (known === null) {
      if (found !== undefined) this.#identities.set(path, { dev: found.dev, ino: found.ino });
      return false;
    }
    return found === undefined || found.dev !== known.dev || found.ino !== known.ino;
  }
}

export function folderGone(name: string): Failure {
  return new Failure(
    "data_dir_gone",
    `${name} is not where it was: the data folder was moved, deleted or unmounted, and what is written now would be lost.`,
  );
}
