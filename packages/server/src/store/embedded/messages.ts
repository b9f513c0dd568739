import type { MessagePort } from "node:worker_threads";
import type { FailureCode } from "../../base/failure.ts";
import type {
  EnergyQuery,
  EventsQuery,
  FleetQuery,
  HistoryQuery,
  SamplesQuery,
  StoredEvent,
  TimelineQuery,
} from "../store.ts";
import type { BlockStoreLimits } from "./block-store.ts";

/** What the worker is started with. */
export interface WorkerSetup extends BlockStoreLimits {
  readonly path: string;
}

/** A question's signal stays with the asker; the worker is told by `abandon`. */
type Asked<T> = Omit<T, "signal">;

/** What is done at once, in the order in which it comes. */
export type Task =
  | { readonly kind: "append"; readonly batch: Uint8Array<ArrayBuffer> }
  | { readonly kind: "latest" }
  | { readonly kind: "points"; readonly deviceId: string }
  | { readonly kind: "recordEvents"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "events"; readonly query: EventsQuery }
  /** Another thread asks for samples over this port from now on. */
  | { readonly kind: "lend"; readonly port: MessagePort }
  | { readonly kind: "settle" }
  | { readonly kind: "close" }
  /** Nobody waits for the answer of that number any more. */
  | { readonly kind: "abandon"; readonly abandoned: number }
  /** For tests: the worker stands still until the gate's first number is no longer 0. */
  | { readonly kind: "stall"; readonly gate: Int32Array<SharedArrayBuffer> };

/** What takes longer: done in pieces, between tasks. */
export type Question =
  | { readonly kind: "samples"; readonly query: Asked<SamplesQuery> }
  | { readonly kind: "history"; readonly query: Asked<HistoryQuery> }
  | { readonly kind: "energy"; readonly query: Asked<EnergyQuery> }
  | { readonly kind: "timeline"; readonly query: Asked<TimelineQuery> }
  | { readonly kind: "fleetTotals"; readonly query: Asked<FleetQuery> }
  | { readonly kind: "info" }
  | { readonly kind: "verify" };

export type Request = Task | Question;
export type Numbered = Request & { readonly number: number };

/** Each request is answered once, under its number; a long one may tell of its progress before. */
export type Answer =
  | { readonly number: number; readonly ok: true; readonly result: unknown }
  /** An error loses its code on its way between threads. */
  | { readonly number: number; readonly ok: false; readonly error: unknown; readonly code: FailureCode }
  | { readonly number: number; readonly share: number }
  /** No answer: what was due could not be done. */
  | { readonly complaint: string };
