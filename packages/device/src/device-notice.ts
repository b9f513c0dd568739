/** One thing to log. Those that could come with every sample are told at most once in 10 s each; the counters have them all. */
export interface DeviceNotice {
  readonly deviceId: string;
  readonly level: "info" | "warn" | "error";
  readonly code: NoticeCode;
  readonly message: string;
  /** What was thrown, where something was. */
  readonly error?: unknown;
}

export type NoticeCode =
  | "online"
  | "outage"
  | "refused"
  | "plain_text_token"
  | "token_stored"
  | "token_not_stored"
  | "congested"
  | "sample_too_big"
  | "journal_full"
  | "journal_in_memory"
  | "journal_failed"
  | "journal_damaged"
  | "read_slow"
  | "read_failed"
  | "malformed_frame"
  | "command_unhandled"
  | "command_failed"
  | "lease_ended"
  | "peers_refused"
  | "callback_failed";
