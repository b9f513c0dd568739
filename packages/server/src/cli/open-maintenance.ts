import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type Refusal, refuse, type StrikeBody } from "@wattboard/protocol";
import { type Command, Option } from "commander";
import { accessFileName } from "../access/access-file.ts";
import { Audit, type AuditEntry } from "../access/audit/audit.ts";
import { readControlFile, removeControlFile } from "../access/control-file.ts";
import { Revocations } from "../access/revocations.ts";
import { openDataFolder } from "../app/data-folder.ts";
import { systemClock } from "../base/clock.ts";
import { copyDatabase } from "../base/copy-database.ts";
import { readingFrom } from "../base/database-file.ts";
import { Failure } from "../base/failure.ts";
import { commandsFileName } from "../commands/command-database.ts";
import { CommandStoreClient } from "../commands/command-store-client.ts";
import { loadConfig } from "../config/config.ts";
import { DeviceRegistry } from "../devices/device-registry.ts";
import { type StrikeOrder, strikeBody, strikeOut, undoStrike } from "../history/strike-out.ts";
import { createLog } from "../observe/log.ts";
import type { Store, Strike, Verified } from "../store/store.ts";
import { type Manifest, makeBackup } from "../transfer/backup/backup.ts";
import { openExport } from "../transfer/export/export.ts";
import type { ExportQuery } from "../transfer/export/export-query.ts";
import { ImportJudge, type ImportSample } from "../transfer/import/import-sample.ts";
import { type Imported, importSamples } from "../transfer/import/importer.ts";
import { type StoreInfoBody, storeInfoBody } from "../transfer/store-info.ts";
import { auditLimits } from "./admin-client.ts";
import { addTargetOptions } from "./device.ts";
import type { Maintenance } from "./maintenance.ts";
import { RemoteMaintenance } from "./remote-maintenance.ts";
import { CommandRefused, unlessRefused } from "./report.ts";

export interface MaintenanceTarget {
  readonly dataDir: string;
  readonly url?: string | undefined;
  /** `store.url` for a folder that no server has. */
  readonly store?: string | undefined;
}

/** What is kept, and where: of the server of this machine, of one elsewhere, or in a folder without one. */
export function addMaintenanceOptions(command: Command): Command {
  return addTargetOptions(command).addOption(
    new Option(
      "--store <url>",
      "postgres://…, where the samples are kept there and no server runs (default: WATTBOARD_STORE_URL)",
    ),
  );
}

const triesMax = 50;
const retryMs = 100;

/** Opens what is kept, does one thing, and lets go. Throws a `Failure`: `no_server`, `no_data_dir`, `data_dir_not_writable`, `store_failed`. */
export async function withMaintenance<T>(
  target: MaintenanceTarget,
  task: (maintenance: Maintenance) => Promise<T>,
): Promise<T> {
  const maintenance = await openMaintenance(target);
  try {
    return await task(maintenance);
  } finally {
    await maintenance.close();
  }
}

async function openMaintenance({ dataDir, url, store }: MaintenanceTarget): Promise<Maintenance> {
  if (url !== undefined) {
    const token = process.env.WATTBOARD_TOKEN ?? "";
    if (token !== "") return new RemoteMaintenance(url, token);
    throw new Failure(
      "no_server",
      "--url needs an API token in WATTBOARD_TOKEN. Make one on the server's machine: wattboard api-token add NAME --role viewer (to import or back up: admin)",
    );
  }
  if (!existsSync(join(dataDir, accessFileName))) {
    throw new Failure(
      "no_data_dir",
      `There is no Wattboard data in ${dataDir}. Name the server's folder with --data-dir, or begin one: wattboard serve --data-dir ${dataDir}`,
    );
  }
  for (let tries = 1; ; tries++) {
    try {
      return await FolderMaintenance.open(dataDir, store);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "data_dir_in_use") throw error;
      const control = readControlFile(dataDir);
      if (control !== null) return new RemoteMaintenance(control.url, control.token, control.certificate);
      // A server that starts or stops, or another command like this one: that may take a moment.
      if (tries >= triesMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** For a folder that no server has: the store is opened by the same settings, from the environment and its file. */
class FolderMaintenance implements Maintenance {
  readonly #accessFile: DatabaseSync;
  readonly #audit: Audit;
  readonly #dataDir: string;
  readonly #devices: DeviceRegistry;
  readonly #revocations: Revocations;
  readonly #store: Store;
  readonly #judge: ImportJudge;

  private constructor(dataDir: string, accessFile: DatabaseSync, audit: Audit, store: Store) {
    this.#dataDir = dataDir;
    this.#accessFile = accessFile;
    this.#audit = audit;
    this.#store = store;
    this.#revocations = new Revocations(dataDir);
    this.#devices = readingFrom(
      join(dataDir, accessFileName),
      () => new DeviceRegistry(accessFile, systemClock, this.#revocations),
    );
    this.#judge = new ImportJudge(systemClock.wallMs(), (deviceId) => this.#devices.find(deviceId) !== undefined);
  }

  static async open(dataDir: string, storeUrl: string | undefined): Promise<FolderMaintenance> {
    const accessFile = openDataFolder(dataDir);
    let audit: Audit | undefined;
    try {
      removeControlFile(dataDir);
      const { config } = loadConfig({
        flags: { data_dir: dataDir, ...(storeUrl !== undefined && { "store.url": storeUrl }) },
        env: process.env,
        file: process.env.WATTBOARD_CONFIG || undefined,
      });
      const { openConfiguredStore } = await import("../app/switchboard.ts");
      audit = new Audit(dataDir, systemClock, auditLimits);
      // Its log would be standard output, where the export goes.
      const store = await openConfiguredStore(config, systemClock, createLog({ level: "silent" }));
      return new FolderMaintenance(dataDir, accessFile, audit, store);
    } catch (error) {
      audit?.close();
      accessFile.close();
      throw error;
    }
  }

  async deviceIds(): Promise<string[]> {
    return [...this.#devices.ids()].sort();
  }

  async export(query: ExportQuery): Promise<AsyncIterable<Uint8Array>> {
    const historyFromMs = this.#devices.historyFromMs(query.deviceIds);
    return await openExport(this.#store, { ...query, historyFromMs });
  }

  async import(samples: readonly ImportSample[]): Promise<Imported> {
    const judged = samples.map((sample) => {
      const verdict = this.#judge.judge(sample);
      if ("code" in verdict) throw new CommandRefused(verdict);
      return verdict;
    });
    const entry = { action: "import", detail: { samples: samples.length } };
    return await this.#audited(entry, () => importSamples(this.#store, judged));
  }

  async info(): Promise<StoreInfoBody> {
    return storeInfoBody(this.#store.description, await this.#store.info());
  }

  async verify(progress: (share: number) => void): Promise<Verified> {
    return await this.#audited({ action: "store.verify" }, () => this.#store.verify(progress));
  }

  async repair(progress: (share: number) => void): Promise<readonly string[]> {
    return await this.#audited({ action: "store.repair" }, () => this.#store.repair(progress));
  }

  async backup(folder: string, progress: (share: number) => void): Promise<Manifest> {
    const source = { store: this.#store, copyRest: (to: string) => this.#copyRest(to) };
    return await this.#audited({ action: "backup.make", target: folder }, () => makeBackup(source, folder, progress));
  }

  async strike(deviceId: string, order: StrikeOrder): Promise<StrikeBody> {
    const by = { atMs: systemClock.wallMs(), by: "local" };
    const strike = (): Promise<Strike | Refusal> => strikeOut(this.#store, this.#registered(deviceId), order, by);
    return strikeBody(
      unlessRefused(await this.#audited({ action: "history.strike", deviceId, detail: { ...order } }, strike)),
    );
  }

  async strikes(deviceId: string): Promise<readonly StrikeBody[]> {
    return (await this.#store.strikes(this.#registered(deviceId))).map((strike) => strikeBody(strike));
  }

  async unstrike(deviceId: string, number: number): Promise<StrikeBody> {
    const undo = (): Promise<Strike | Refusal> => undoStrike(this.#store, this.#registered(deviceId), number);
    const entry = { action: "history.unstrike", deviceId, target: String(number) };
    return strikeBody(unlessRefused(await this.#audited(entry, undo)));
  }

  /** The id, where a device of that id is registered. */
  #registered(deviceId: string): string {
    if (this.#devices.find(deviceId) === undefined) throw new CommandRefused(refuse("unknown_device"));
    return deviceId;
  }

  async close(): Promise<void> {
    await this.#store.close();
    this.#audit.close();
    this.#revocations.close();
    this.#accessFile.close();
  }

  async #copyRest(folder: string): Promise<void> {
    await this.#audit.copyTo(folder);
    const commands = await CommandStoreClient.open(this.#dataDir);
    await commands.copyTo(join(folder, commandsFileName)).finally(() => commands.close());
    await copyDatabase(this.#accessFile, join(folder, accessFileName));
  }

  #audited<T>(entry: Omit<AuditEntry, "who" | "address" | "outcome">, act: () => Promise<T>): Promise<T> {
    return this.#audit.recordTask({ who: "local", address: "", ...entry }, act);
  }
}
