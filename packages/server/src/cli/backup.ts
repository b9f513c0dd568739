import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { packTar, unpackTar } from "modern-tar/fs";
import { accessFileName, lockAccessFile } from "../access/access-file.ts";
import { Audit, unarchived } from "../access/audit/audit.ts";
import { openDataFolder } from "../app/data-folder.ts";
import { systemClock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { copyChecked, type Manifest, manifestName, readManifest } from "../transfer/backup/backup.ts";
import { addMaintenanceOptions, withMaintenance } from "./maintenance.ts";
import { formatBytes, ProgressBar } from "./progress-bar.ts";
import { printLine, WrongUsage } from "./report.ts";
import { makeWorkFolderBeside } from "./work-folder.ts";

interface BackupOptions {
  dataDir: string;
  url?: string;
  store?: string;
}

interface RestoreOptions {
  dataDir: string;
  force?: boolean;
}

export function addBackupCommand(program: Command): void {
  addMaintenanceOptions(program.command("backup").argument("<to>", "a new folder, or a new file that ends with .tar"))
    .description("Copy everything that is kept, consistently, while the server goes on.")
    .addHelpText(
      "after",
      `
Examples:
  $ wattboard backup /mnt/backup/$(date +%F)
  $ wattboard backup board.tar --data-dir /var/lib/wattboard
  $ WATTBOARD_TOKEN=… wattboard backup board.tar --url https://board.example.org
A backup holds the hashes of all tokens: keep it as safe as the data folder.`,
    )
    .action(async (to: string, options: BackupOptions) => {
      if (existsSync(to))
        throw new WrongUsage(`${to} is there already. Name a new folder, or a new file that ends with .tar.`);
      const around = dataFolderAround(to, options.dataDir);
      if (around !== null) {
        throw new WrongUsage(
          `${to} lies in the data folder ${around}: a backup there is lost with the data. Name a place outside it, best on another disk.`,
        );
      }
      const isTar = to.endsWith(".tar");
      // What bears the name is whole.
      const work = makeWorkFolderBeside(to);
      const progress = new ProgressBar();
      let manifest: Manifest;
      try {
        manifest = await withMaintenance({ ...options, role: "admin", copiesIn: work.path }, (maintenance) =>
          maintenance.backup(join(work.path, "backup"), (share) => progress.show(share, "copying")),
        );
        if (isTar) {
          await pipeline(
            packTar(join(work.path, "backup")),
            createWriteStream(join(work.path, "backup.tar"), { mode: 0o600, flush: true }),
          );
        }
        await rename(join(work.path, isTar ? "backup.tar" : "backup"), to);
      } finally {
        progress.end();
        await work.remove();
      }
      const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
      const { samples, note } = manifest.store;
      if (samples === null) printLine(`${to} holds the registrations, and not the samples. ${note}`);
      else
        printLine(
          `${to} holds ${samples.toLocaleString("en-US")} samples and the registrations, ${formatBytes(bytes)}.`,
        );
      printLine(`To bring it back: wattboard restore ${to} --data-dir FOLDER`);
    });
}

export function addRestoreCommand(program: Command): void {
  program
    .command("restore")
    .argument("<from>", "what wattboard backup has written: a folder, or a .tar file")
    .requiredOption("--data-dir <folder>", "the folder to fill, for a server to start on")
    .option("--force", "also where the folder holds data: that is moved aside, not deleted")
    .description("Bring a backup back, into a folder that no server uses. Its checksums are verified first.")
    .addHelpText("after", "\nExamples:\n  $ wattboard restore /mnt/backup/2026-01-31 --data-dir /var/lib/wattboard")
    .action(restore);
}

async function restore(from: string, { dataDir, force = false }: RestoreOptions): Promise<void> {
  if (!existsSync(from)) throw new WrongUsage(`There is no ${from}.`);
  const isEmpty = !existsSync(dataDir) || readdirSync(dataDir).length === 0;
  if (!isEmpty && !force) {
    throw new WrongUsage(
      `${dataDir} is not empty. Name a new folder; or add --force, which moves what is there aside.`,
    );
  }
  if (existsSync(join(dataDir, accessFileName))) {
    // Refused where a server runs; nothing can start while this holds it, and it lets go before the files are moved.
    assertUnused(dataDir);
  }
  const work = makeWorkFolderBeside(dataDir);
  const progress = new ProgressBar();
  let manifest: Manifest;
  try {
    const folder = from.endsWith(".tar") ? await unpack(from, join(work.path, "unpacked")) : from;
    manifest = readManifest(folder);
    const bytesInAll = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
    let copied = 0;
    const fresh = join(work.path, "data");
    mkdirSync(fresh, { mode: 0o700 });
    for (const file of manifest.files) {
      const path = join(folder, file.name);
      if (!existsSync(path))
        throw new Failure("backup_damaged", `${file.name} is missing from ${from}. Take another backup.`);
      await copyChecked(createReadStream(path), join(fresh, file.name), file, (bytes) => {
        copied += bytes;
        progress.show(copied / bytesInAll, "restoring");
      });
    }
    progress.end();
    await putInPlace(fresh, dataDir, isEmpty);
    record(dataDir, from, manifest);
  } finally {
    progress.end();
    await work.remove();
  }
  const { samples, note } = manifest.store;
  if (samples === null)
    printLine(`The registrations are back in ${dataDir}; the samples are not in this backup. ${note}`);
  else
    printLine(
      `${samples.toLocaleString("en-US")} samples and the registrations of ${manifest.made_at} are back in ${dataDir}.`,
    );
  printLine(`Start the server: wattboard serve --data-dir ${dataDir}`);
}

/** Throws a `Failure` where a server has the folder. Whether what is in it can be read does not matter: it is to be replaced. */
function assertUnused(dataDir: string): void {
  try {
    lockAccessFile(dataDir).close();
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "data_damaged") throw error;
  }
}

/** The audit that is back tells from where it goes on that it was brought back. */
function record(dataDir: string, from: string, { made_at, wattboard }: Manifest): void {
  const accessFile = openDataFolder(dataDir);
  const audit = new Audit(dataDir, systemClock, unarchived);
  audit.record({ who: "local", address: "", action: "backup.restore", target: from, detail: { made_at, wattboard } });
  audit.close();
  accessFile.close();
}

/** Every file that was there, logs of the old databases included, goes aside together: an old log beside a new database would damage it. */
async function putInPlace(fresh: string, dataDir: string, isEmpty: boolean): Promise<void> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (!isEmpty) {
    const aside = join(dataDir, `before-restore-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`);
    const names = readdirSync(dataDir).filter((name) => !name.startsWith("before-restore-"));
    mkdirSync(aside, { mode: 0o700 });
    for (const name of names) await rename(join(dataDir, name), join(aside, name));
    printLine(`What was in ${dataDir} lies in ${aside} now. Remove it once all is well.`);
  }
  for (const name of readdirSync(fresh)) await rename(join(fresh, name), join(dataDir, name));
}

async function unpack(tar: string, folder: string): Promise<string> {
  try {
    await pipeline(createReadStream(tar), unpackTar(folder));
    return folder;
  } catch (error) {
    throw new Failure(
      "backup_damaged",
      `${tar} cannot be unpacked: ${(error as Error).message}. Take another backup.`,
      error,
    );
  }
}

/** The data folder in which `path` would lie, however it is written: links and `..` are followed. Null where it lies in none. */
function dataFolderAround(path: string, dataDir: string): string | null {
  // As the operating system reads it: `link/..` is not where the link stands.
  const own = existsSync(dataDir) ? realpathSync.native(dataDir) : null;
  let given = dirname(path);
  while (!existsSync(given)) given = dirname(given);
  for (let folder = realpathSync.native(given); ; folder = dirname(folder)) {
    const isBackup = existsSync(join(folder, manifestName));
    if (folder === own || (existsSync(join(folder, accessFileName)) && !isBackup)) return folder;
    if (folder === dirname(folder)) return null;
  }
}
