import { type DatabaseFault, databaseFault } from "../../base/database-file.ts";
import { Failure, type FailureCode } from "../../base/failure.ts";

const codes: Readonly<Record<DatabaseFault, FailureCode>> = {
  full: "disk_full",
  locked: "store_locked",
  damaged: "store_failed",
  failing: "store_failed",
};

/** The code of the `Failure` that an error of the store's file is. */
export function storeFailureCode(error: unknown): FailureCode {
  if (error instanceof Failure) return error.code;
  const fault = databaseFault(error);
  return fault === null ? "store_failed" : codes[fault];
}
