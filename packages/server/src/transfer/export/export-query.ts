import type { MessagePort } from "node:worker_threads";
import { limits } from "@wattboard/protocol/constants";
import type { Device } from "../../devices/device-registry.ts";
import type { ExportColumn } from "./export-columns.ts";

export const exportFormats = ["csv", "parquet"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Where an export ends that goes up to now: behind whatever a device could have measured by a clock that is ahead. */
export function exportEndMs(nowMs: number): number {
  return nowMs + limits.clockSkewMsMax + 1;
}

export interface ExportQuery {
  /** One file holds the devices one after the other, in this order. */
  readonly deviceIds: readonly string[];
  /** These are all that there are. */
  readonly isAll?: boolean;
  /** By measured time, half open, ms since 1970 UTC. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Only these points, and only samples that have one of them; absent: all. */
  readonly points?: readonly string[] | undefined;
  readonly format: ExportFormat;
  /** To go on with an export that was broken off: devices before this one are left out, and its samples before this time. */
  readonly start?: { readonly deviceId: string; readonly fromMs: number } | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told at the end what was left out since it cannot be read, in words; not called where nothing was. */
  readonly onLeftOut?: ((what: readonly string[]) => void) | undefined;
}

/** The same with the registrations of the devices, which the store is asked for. */
export interface StoreExportQuery extends Omit<ExportQuery, "deviceIds" | "isAll"> {
  readonly devices: readonly Pick<Device, "deviceId" | "registration">[];
}

/** What the thread of an export is started with. */
export interface ExportSetup {
  readonly query: Omit<StoreExportQuery, "signal" | "onLeftOut">;
  readonly columns: readonly ExportColumn[];
  /** Lent by the store. */
  readonly source: MessagePort;
}

/** What the thread of an export does. */
export interface ExportMethods {
  /** The next piece, or behind the last one what was left out, since it cannot be read. */
  next(): Uint8Array<ArrayBuffer> | readonly string[];
}
