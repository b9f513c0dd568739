import type { MessagePort } from "node:worker_threads";
import type { ReadMethods } from "../read-port.ts";
import type { Registration } from "../registration.ts";
import type {
  EventsQuery,
  NewStrike,
  NumberedEvent,
  StoreDamage,
  StoredEvent,
  StoredJournal,
  StoredSample,
  StoreInfo,
  StoreRenewal,
  Strike,
  Verified,
} from "../store.ts";
import type { BlockStoreLimits } from "./block-store.ts";

/** What the store's thread is started with. */
export interface StoreSetup extends BlockStoreLimits {
  readonly path: string;
}

/** What the store's thread does. What takes longer, as all of `ReadMethods`, is done in pieces, between the others. */
export interface StoreMethods extends ReadMethods {
  append(batch: Uint8Array<ArrayBuffer>): void;
  openJournal(registration: Registration, journalId: string, epoch: number): StoredJournal;
  latest(): StoredSample[];
  recordEvents(events: readonly StoredEvent[]): void;
  events(query: EventsQuery): NumberedEvent[];
  strike(registration: Registration, made: NewStrike): Strike;
  strikes(registration: Registration): Strike[];
  unstrike(registration: Registration, number: number): Strike | null;
  /** Another thread asks over this port from now on, as it is said in `read-port.ts`. */
  lend(port: MessagePort): void;
  forget(keys: readonly string[]): void;
  compactAll(): void;
  info(): StoreInfo;
  verify(): Verified;
  repair(): string[];
  /** For tests: the worker stands still until the authorizer's first number is no longer 0. */
  stall(authorizer: Int32Array<SharedArrayBuffer>): void;
}

/** Something was met that cannot be read, or what was due could not be done. */
export type StoreNotice =
  | { readonly damage: StoreDamage }
  | { readonly complaint: string }
  /** How far what is made anew has come. */
  | { readonly renewal: StoreRenewal };

/** What is done to the store's file in a thread of its own, beside the one that has it open: it takes long, and holds up nobody there. */
export interface StoreFileMethods {
  /** Copies the database as it is at one moment, and without its free pages. */
  copy(from: string, to: string): void;
  /** What is wrong with the file's own structure, in words. */
  checkStructure(path: string): string[];
}
