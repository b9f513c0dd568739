import { renewalSchema } from "@wattboard/protocol";
import Type from "typebox";
import type { StoreInfo } from "../store/store.ts";

/** `GET /api/v1/store`, and what `wattboard store info --json` prints. */
export const storeInfoSchema = Type.Object(
  {
    store: Type.String({ description: "What keeps the samples" }),
    devices: Type.Integer(),
    samples: Type.Integer(),
    bytes: Type.Integer({ description: "On disk, all included" }),
    bytes_per_sample: Type.Union([Type.Number(), Type.Null()]),
    from: Type.Union([Type.String(), Type.Null()], { description: "Of the oldest sample" }),
    to: Type.Union([Type.String(), Type.Null()], { description: "Of the newest sample" }),
    gaps: Type.Object(
      { count: Type.Integer(), ms: Type.Number() },
      { description: "Spans without samples longer than 15 minutes, between a device's first sample and its last" },
    ),
    ...renewalSchema.properties,
    retention_ms: Type.Number({ description: "Samples older than this are deleted; 0: kept for ever" }),
  },
  { title: "StoreInfo" },
);
export type StoreInfoBody = Type.Static<typeof storeInfoSchema>;

export function storeInfoBody(description: string, info: StoreInfo): StoreInfoBody {
  const { devices, samples, bytes, fromMs, toMs, gaps, retentionMs, renewedShare } = info;
  return {
    store: description,
    devices,
    samples,
    bytes,
    bytes_per_sample: samples === 0 ? null : Math.round((bytes / samples) * 100) / 100,
    from: fromMs === null ? null : new Date(fromMs).toISOString(),
    to: toMs === null ? null : new Date(toMs).toISOString(),
    gaps,
    renewed_share: renewedShare,
    retention_ms: retentionMs,
  };
}
