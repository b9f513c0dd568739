import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import Type from "typebox";
import { Compile } from "typebox/compile";
import type { Clock } from "../../base/clock.ts";
import { makePrivate } from "../../base/database-file.ts";
import { Failure } from "../../base/failure.ts";
import { isoTime } from "../../base/iso-time.ts";
import { version } from "../../base/version.ts";
import type { StoreMaintenance } from "../../store/store.ts";

/** What a backup holds, so that a restore can tell whether all of it is there as it was. */
const manifestSchema = Type.Object({
  /** Of the manifest itself. */
  format: Type.Literal(1),
  /** Which program made it. */
  wattboard: Type.String(),
  made_at: Type.String(),
  store: Type.Object({
    description: Type.String(),
    /** Samples when the copy was begun; it holds these at least. Null where the store must be copied by its database's own tools. */
    samples: Type.Union([Type.Integer(), Type.Null()]),
    /** What to do where the store is not in here, for people. */
    note: Type.Union([Type.String(), Type.Null()]),
  }),
  files: Type.Array(
    Type.Object({
      // No other: a name is also a path below the data folder.
      name: Type.String({
        pattern: "^((access|audit|commands|alarms|notify|store)\\.db|audit-\\d{12}\\.ndjson\\.gz)$",
      }),
      bytes: Type.Integer({ minimum: 0 }),
      sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    }),
  ),
});
const manifestValidator = Compile(manifestSchema);

export type Manifest = Type.Static<typeof manifestSchema>;
export type ManifestFile = Manifest["files"][number];

export const manifestName = "manifest.json";

export interface BackupSource {
  readonly store: Pick<StoreMaintenance, "description" | "info" | "backup">;
  readonly clock: Clock;
  /** Writes consistent copies of everything but the samples to a folder: registrations, audit, commands, alarms, notifications. */
  copyRest(folder: string): Promise<void>;
}

/**
 * Writes a consistent copy of everything to a new folder while the server goes on: every sample that was acked before is in it. Rejects with a
 * `Failure`: `store_failed`, `commands_failed`, `alarms_failed`, `notify_failed`, `backup_failed`.
 */
export async function makeBackup(
  source: BackupSource,
  folder: string,
  progress: (share: number) => void,
): Promise<Manifest> {
  mkdirSync(folder, { mode: 0o700 });
  const { samples } = await source.store.info();
  let note: string | null = null;
  try {
    await source.store.backup(join(folder, "store.db"), (share) => progress(Math.min(1, share) * copyShare));
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "not_supported") throw error;
    note = error.message;
  }
  // The registrations after the samples, so that no sample's device is missing.
  await source.copyRest(folder).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      "backup_failed",
      `The registrations, the audit and the commands cannot be copied: ${reason}`,
      error,
    );
  });
  const names = readdirSync(folder).sort();
  const bytesInAll = names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  let bytesRead = 0;
  const files: ManifestFile[] = [];
  for (const name of names) {
    makePrivate(join(folder, name));
    const sha256 = await hashFile(join(folder, name), (bytes) => {
      bytesRead += bytes;
      progress(copyShare + (1 - copyShare) * (bytesRead / bytesInAll));
    });
    files.push({ name, bytes: statSync(join(folder, name)).size, sha256 });
  }
  const manifest: Manifest = {
    format: 1,
    wattboard: version,
    made_at: isoTime(source.clock.wallMs()),
    store: { description: source.store.description, samples: note === null ? samples : null, note },
    files,
  };
  writeManifest(folder, manifest);
  return manifest;
}

/** How much of the work copying is; the rest is hashing. */
const copyShare = 0.8;

export function writeManifest(folder: string, manifest: Manifest): void {
  writeFileSync(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
}

/** Throws a `Failure`, `backup_damaged`, where there is none that this program can read. */
export function readManifest(folder: string): Manifest {
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(join(folder, manifestName), "utf8"));
  } catch (error) {
    throw new Failure(
      "backup_damaged",
      `${folder} holds no backup: ${manifestName} is missing or cannot be read.`,
      error,
    );
  }
  if (!manifestValidator.Check(manifest)) {
    throw new Failure(
      "backup_damaged",
      `The ${manifestName} in ${folder} is not one that this version (${version}) can read. Restore with the version that made the backup, or a newer one.`,
    );
  }
  return manifest;
}

/** Reads a backup again and gives what of it is not as it was made, in words. Rejects where the signal ends it. */
export async function verifyBackup(
  folder: string,
  { files }: Manifest,
  progress: (share: number) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const faults: string[] = [];
  const bytesInAll = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let bytesRead = 0;
  for (const file of files) {
    const fault = await describeFileFault(join(folder, file.name), file, (bytes) => {
      signal.throwIfAborted();
      bytesRead += bytes;
      progress(bytesRead / bytesInAll);
    });
    signal.throwIfAborted();
    if (fault !== null) faults.push(`${file.name} ${fault}`);
  }
  return faults;
}

/** What is wrong with a file of a backup, in words; null: nothing. */
async function describeFileFault(
  path: string,
  { bytes, sha256 }: ManifestFile,
  progress: (bytes: number) => void,
): Promise<string | null> {
  let bytesRead = 0;
  try {
    const hash = await hashFile(path, (read) => {
      bytesRead += read;
      progress(read);
    });
    if (bytesRead !== bytes) return `has ${bytesRead} bytes, and the manifest says ${bytes}`;
    return hash === sha256 ? null : "is damaged: its checksum is not the manifest's";
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Copies one file of a backup and checks it on the way. Rejects with a `Failure`, `backup_damaged`, where it is not as it was. */
export async function copyChecked(
  from: NodeJS.ReadableStream,
  to: string,
  { name, bytes, sha256 }: ManifestFile,
  progress: (bytes: number) => void,
): Promise<void> {
  const hash = createHash("sha256");
  let copied = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      copied += chunk.length;
      progress(chunk.length);
      done(null, chunk);
    },
  });
  await pipeline(from, check, createWriteStream(to, { flags: "wx", mode: 0o600, flush: true }));
  if (copied === bytes && hash.digest("hex") === sha256) return;
  throw new Failure(
    "backup_damaged",
    copied === bytes
      ? `${name} of the backup is damaged: its checksum is not the manifest's. Take another backup.`
      : `${name} of the backup has ${copied} bytes, and the manifest says ${bytes}. Take another backup.`,
  );
}

async function hashFile(path: string, progress: (bytes: number) => void): Promise<string> {
  const hash = createHash("sha256");
  // A chunk is a turn of the event loop: on a small machine half a millisecond.
  for await (const chunk of createReadStream(path, { highWaterMark: 64 * 1024 })) {
    hash.update(chunk as Buffer);
    progress((chunk as Buffer).length);
  }
  return hash.digest("hex");
}
