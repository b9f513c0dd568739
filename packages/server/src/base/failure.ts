export type FailureCode =
  | "data_dir_in_use"
  | "data_dir_not_writable"
  | "data_dir_gone"
  | "data_damaged"
  | "data_newer"
  | "disk_full"
  | "upgrade_failed"
  | "port_in_use"
  | "address_not_available"
  | "invalid_config"
  | "audit_failed"
  | "audit_broken"
  | "store_failed"
  | "store_away"
  | "store_in_use"
  | "store_locked"
  | "store_stopped"
  | "store_busy"
  | "store_damaged"
  | "not_supported"
  | "commands_failed"
  | "alarms_failed"
  | "no_data_dir"
  | "no_server"
  | "request_failed"
  | "export_failed"
  | "backup_failed"
  | "backup_damaged";

/** The world failing: a disk, a port, a database. `message` says what happened and what to do; programs go by `code`. */
export class Failure extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Failure";
    this.code = code;
  }
}

/** The stable code that Node puts on a system error (`EADDRINUSE`), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
