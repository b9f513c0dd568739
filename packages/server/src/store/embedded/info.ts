import { windowMs, windowOf } from "../algebra/window.ts";
import type { StoreInfo } from "../store.ts";
import type { Work } from "../work.ts";
import type { BlockStore } from "./block-store.ts";
import { summaries } from "./summaries.ts";

/** What is kept. */
export function* readInfo(store: BlockStore, retentionMs: number): Work<StoreInfo> {
  const { windows, tables } = store;
  const registrations = store.keys.map((key) => ({ key, fromMs: 0 }));
  let samples = 0;
  let fromMs: number | null = null;
  let toMs: number | null = null;
  const gaps = { count: 0, ms: 0 };
  const parts = { points: new Set<string>(), energy: false };
  for (const registration of registrations) {
    const list = windows.list(registration, 0, Number.MAX_SAFE_INTEGER);
    const [first = 0] = list;
    const isKept = new Set(list);
    let lastMs: number | null = null;
    for (const { day, from, to } of summaries(windows, registration, first, windowOf(store.nowMs()) + 2, parts)) {
      for (let at = from; at < to; at++) {
        const firstMs = day.firstMs[at] as number;
        if (isKept.has(day.windows[at] as number)) samples += day.count[at] as number;
        fromMs = Math.min(fromMs ?? firstMs, firstMs);
        toMs = Math.max(toMs ?? firstMs, day.lastMs[at] as number);
        if (lastMs !== null && firstMs - lastMs > windowMs) {
          gaps.count++;
          gaps.ms += firstMs - lastMs;
        }
        lastMs = day.lastMs[at] as number;
      }
      yield;
    }
  }
  const bytes = tables.usedBytes();
  const renewedShare = Number(
    tables.first("SELECT through * 1.0 / until AS share FROM renewal WHERE until > 0")?.share ?? 1,
  );
  return { devices: registrations.length, samples, bytes, fromMs, toMs, gaps, retentionMs, renewedShare };
}
