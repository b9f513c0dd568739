import type { StoreInfo } from "../store/store.ts";

/** `GET /api/v1/store`, and what `wattboard store info --json` prints. */
export interface StoreInfoBody {
  readonly store: string;
  readonly devices: number;
  readonly samples: number;
  /** On disk, all included. */
  readonly bytes: number;
  readonly bytes_per_sample: number | null;
  /** Of the oldest sample and the newest. */
  readonly from: string | null;
  readonly to: string | null;
  /** Spans without samples longer than 15 minutes, between a device's first sample and its last. */
  readonly gaps: { readonly count: number; readonly ms: number };
  /** Samples older than this are deleted; 0: kept for ever. */
  readonly retention_ms: number;
}

export function storeInfoBody(description: string, info: StoreInfo): StoreInfoBody {
  const { devices, samples, bytes, fromMs, toMs, gaps, retentionMs } = info;
  return {
    store: description,
    devices,
    samples,
    bytes,
    bytes_per_sample: samples === 0 ? null : Math.round((bytes / samples) * 100) / 100,
    from: fromMs === null ? null : new Date(fromMs).toISOString(),
    to: toMs === null ? null : new Date(toMs).toISOString(),
    gaps,
    retention_ms: retentionMs,
  };
}
