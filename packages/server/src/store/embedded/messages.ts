import type { SampleQuery, StoredSample } from "../store.ts";
import type { JournalFileLimits } from "./journal-file.ts";

/** What the worker is started with. */
export interface WorkerSetup extends JournalFileLimits {
  readonly path: string;
}

/** What the adapter asks of its worker; each is answered once, under its number. */
export type Request =
  | { readonly kind: "append"; readonly batch: Uint8Array<ArrayBuffer> }
  | { readonly kind: "latest" }
  | { readonly kind: "samples"; readonly query: SampleQuery }
  | { readonly kind: "close" }
  /** For tests: the worker stands still until the gate's first number is no longer 0. */
  | { readonly kind: "stall"; readonly gate: Int32Array<SharedArrayBuffer> };

export type Numbered = Request & { readonly number: number };

export type Answer =
  | { readonly number: number; readonly ok: true; readonly result: StoredSample[] | null }
  | { readonly number: number; readonly ok: false; readonly error: unknown };
