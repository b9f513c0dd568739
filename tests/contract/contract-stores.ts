import type { PointSample, Store } from "../../packages/server/dist/store/store.js";
import type { Message, Sent, Value } from "../support/samples.ts";

export interface StoreHarness {
  /** Opens the store that belongs to the folder, making it where there is none. It is to take `nowMs` for the present. */
  open(folder: string, nowMs: number): Promise<Store>;
  /** Has the store do its upkeep: what is over is kept as it will be for good. */
  settle(store: Store): Promise<void>;
}

/** What the tests of a contract open stores with. */
export interface ContractStores {
  openEmpty(): Promise<{ store: Store; reopen: () => Promise<Store> }>;
  /** All samples of a device's first registration. */
  everything(store: Store, deviceId?: string): Promise<PointSample[]>;
  settle(store: Store): Promise<void>;
}

export const second = 1_000;
export const minute = 60_000;
export const quarter = 15 * minute;
export const hour = 60 * minute;
/** The start of a day in UTC; all samples are from here on, and the store's present is a week later. */
export const start = Date.UTC(2026, 2, 28);
export const now = start + 7 * 24 * hour;
export const openRange = { fromMs: 0, toMs: now };

/** What `samples` is to give for what was sent. JSON writes no −0, so none is expected back. */
export function asPoints({ observedAtMs, receivedAtMs, deviceTimeMs, clock, epoch, seq, message }: Sent): PointSample {
  const points: [string, Value][] = [];
  const { device_id: _, timestamp: __, ...sections } = JSON.parse(message.toString()) as Message;
  for (const [section, body] of Object.entries(sections)) {
    if (typeof body !== "object" || body === null) points.push([section, body]);
    else for (const [field, value] of Object.entries(body)) points.push([`${section}.${field}`, value as Value]);
  }
  return { observedAtMs, receivedAtMs, deviceTimeMs, clock, epoch, seq, points: Object.fromEntries(points) };
}

/** What is covered of a part of a range that ends at `endMs`, where the usual step is short: what lies in no step of more than 30 s. */
export function coverageOf(times: readonly number[], fromMs: number, toMs: number, endMs: number) {
  const expectedFromMs = Math.min(toMs, Math.max(fromMs, times[0] ?? toMs));
  const edges = [...times.filter((atMs) => atMs < endMs), times.find((atMs) => atMs >= endMs) ?? endMs];
  const gaps = edges
    .slice(1)
    .map((atMs, i) => ({ fromMs: edges[i] as number, toMs: atMs }))
    .filter((gap) => gap.toMs - gap.fromMs > 30 * second)
    .map((gap) => ({ fromMs: Math.max(gap.fromMs, expectedFromMs), toMs: Math.min(gap.toMs, toMs) }))
    .filter((gap) => gap.toMs > gap.fromMs)
    .sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs));
  const expectedMs = toMs - expectedFromMs;
  return {
    coveredMs: gaps.reduce((rest, gap) => rest - (gap.toMs - gap.fromMs), expectedMs),
    expectedMs,
    expectedFromMs: expectedMs > 0 ? expectedFromMs : null,
    gaps,
  };
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
