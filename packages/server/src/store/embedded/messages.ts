import type { MessagePort } from "node:worker_threads";
import type { FailureCode } from "../../base/failure.ts";
import type { PortQuestion } from "../read-port.ts";
import type { EventsQuery, NewStrike, StoreDamage, StoredEvent } from "../store.ts";
import type { BlockStoreLimits } from "./block-store.ts";

/** What the worker is started with. */
export interface WorkerSetup extends BlockStoreLimits {
  readonly path: string;
}

/** What is done at once, in the order in which it comes. */
export type Task =
  | { readonly kind: "append"; readonly batch: Uint8Array<ArrayBuffer> }
  | { readonly kind: "latest" }
  | { readonly kind: "recordEvents"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "events"; readonly query: EventsQuery }
  /** Another thread asks over this port from now on, as it is said in `read-port.ts`. */
  | { readonly kind: "lend"; readonly port: MessagePort }
  | { readonly kind: "strike"; readonly strike: NewStrike }
  | { readonly kind: "strikes"; readonly deviceId: string }
  | { readonly kind: "unstrike"; readonly deviceId: string; readonly strikeNumber: number }
  | { readonly kind: "forget"; readonly deviceIds: readonly string[] }
  | { readonly kind: "settle" }
  | { readonly kind: "close" }
  /** Nobody waits for the answer of that number any more. */
  | { readonly kind: "abandon"; readonly abandoned: number }
  /** For tests: the worker stands still until the authorizer's first number is no longer 0. */
  | { readonly kind: "stall"; readonly authorizer: Int32Array<SharedArrayBuffer> };

/** What takes longer: done in pieces, between tasks. */
export type Question =
  | PortQuestion
  | { readonly kind: "info" }
  | { readonly kind: "verify" }
  | { readonly kind: "repair" };

export type Request = Task | Question;
export type Numbered = Request & { readonly number: number };

/** Each request is answered once, under its number; a long one may tell of its progress before. */
export type Answer =
  | { readonly number: number; readonly ok: true; readonly result: unknown }
  /** An error loses its code on its way between threads. */
  | { readonly number: number; readonly ok: false; readonly error: unknown; readonly code: FailureCode }
  | { readonly number: number; readonly share: number }
  /** No answer: something was met that cannot be read. */
  | { readonly damage: StoreDamage }
  /** No answer: what was due could not be done. */
  | { readonly complaint: string };
