import type { Span } from "../load/record-batches.ts";
import type { Answer, Cost, Disk, Question } from "./subject.ts";

/** Who can be measured; the names are the report's. */
export const subjectNames = {
  embedded: "wattboard",
  simulated: "wattboard",
  sqlite: "SQLite, a row a sample",
  duckdb: "DuckDB, a row a sample",
  postgres: "wattboard on PostgreSQL",
} as const;

export type SubjectKind = keyof typeof subjectNames;

/** What the parent has a subject's process do, one after the other; and what comes back. */
export interface Tasks {
  /** Stores the batches of a file (`writeBatches`), as fast as it goes. */
  append: { readonly task: { readonly path: string }; readonly result: Cost };
  /** Stores a span that is made on the way; not for measuring. */
  fill: { readonly task: { readonly span: Span }; readonly result: null };
  /** Stores a span at the pace of its samples, a commit each 250 ms of them, and then lets time pass until nothing is left to do. */
  pace: { readonly task: { readonly span: Span; readonly quietSeconds: number }; readonly result: Paced };
  seal: { readonly task: object; readonly result: Cost };
  /** Asks each question in turn, again and again, for so long. */
  ask: { readonly task: { readonly questions: readonly Question[]; readonly seconds: number }; readonly result: Asked };
  close: { readonly task: object; readonly result: Disk };
}

export interface Paced {
  /** By the device that it all was written to; null where that cannot be told. */
  readonly writtenBytes: number | null;
  /** Ascending, ms: how long each commit took, and each step of what is due by time; and the CPU time of these steps. */
  readonly commitsMs: readonly number[];
  readonly stepsMs: readonly number[];
  readonly stepsCpuMs: readonly number[];
}

export interface Asked {
  /** In the order of the questions. */
  readonly answers: readonly Answer[];
  /** Ascending. */
  readonly ms: readonly number[];
}

export type TaskName = keyof Tasks;
