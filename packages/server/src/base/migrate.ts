import type { DatabaseSync } from "node:sqlite";
import { Failure } from "./failure.ts";
import { inTransaction } from "./transaction.ts";

/** A database's schema as the steps that made it: forward only, and none is edited once a database may have had it. */
export interface Schema {
  readonly steps: readonly string[];
  /** Steps that were edited all the same, long ago: what a database that had the earlier form lacks, done before its next step. */
  readonly amendments?: readonly Amendment[];
}

export interface Amendment {
  /** How many steps such a database has had. */
  readonly version: number;
  isDue(database: DatabaseSync): boolean;
  readonly sql: string;
}

/** How many steps a database has had. */
export function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version);
}

/** Brings a database up to date, in one transaction: where a step fails it is as it was. */
export function migrate(database: DatabaseSync, schema: Schema): void {
  const done = schemaVersion(database);
  if (done > schema.steps.length) throw newerFailure("It", done, schema.steps.length);
  if (done === schema.steps.length) return;
  inTransaction(database, () => runSteps(database, schema));
}

/** Within a transaction of the caller's: the steps that the database has not had. */
export function runSteps(database: DatabaseSync, { steps, amendments = [] }: Schema): void {
  for (let version = schemaVersion(database); version < steps.length; version++) {
    for (const amendment of amendments) {
      if (amendment.version === version && amendment.isDue(database)) database.exec(amendment.sql);
    }
    database.exec(`${steps[version]} PRAGMA user_version = ${version + 1};`);
  }
}

export function newerFailure(what: string, version: number, known: number): Failure {
  return new Failure(
    "data_newer",
    `${what} was written by a newer Wattboard: it has schema ${version}, and this version knows ${known}. Nothing was changed.`,
  );
}
