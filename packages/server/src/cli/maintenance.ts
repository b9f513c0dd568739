import type { StrikeBody } from "@wattboard/protocol";
import type { StrikeOrder } from "../history/strike-out.ts";
import type { Verified } from "../store/store.ts";
import type { Manifest } from "../transfer/backup/backup.ts";
import type { ExportQuery } from "../transfer/export/export-query.ts";
import type { ImportSample } from "../transfer/import/import-sample.ts";
import type { Imported } from "../transfer/import/importer.ts";
import type { StoreInfoBody } from "../transfer/store-info.ts";

/** What the command line does with what is kept: through the server where one runs, else in the data folder itself. */
export interface Maintenance {
  /** The registered devices, in order. */
  deviceIds(): Promise<string[]>;
  export(query: ExportQuery): Promise<AsyncIterable<Uint8Array>>;
  /** Samples that belong to the same device and time must come together. */
  import(samples: readonly ImportSample[]): Promise<Imported>;
  info(): Promise<StoreInfoBody>;
  verify(progress: (share: number) => void): Promise<Verified>;
  /** Gives what was done, in words. */
  repair(progress: (share: number) => void): Promise<readonly string[]>;
  /** Writes the files of a backup to a new folder. */
  backup(folder: string, progress: (share: number) => void): Promise<Manifest>;
  /** Strikes values out of a device's past; `strikes` gives what is, `unstrike` undoes one. */
  strike(deviceId: string, order: StrikeOrder): Promise<StrikeBody>;
  strikes(deviceId: string): Promise<readonly StrikeBody[]>;
  unstrike(deviceId: string, number: number): Promise<StrikeBody>;
  close(): Promise<void>;
}
