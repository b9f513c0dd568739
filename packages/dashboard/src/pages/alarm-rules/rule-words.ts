import type { AlarmRuleBody } from "@wattboard/protocol";
import { formatSpan } from "../../ui/format-time.ts";
import { conditionTextWords } from "../fleet/condition-words.ts";

/** Kinds that are about the server, and not about devices. */
const ofServer: ReadonlySet<AlarmRuleBody["kind"]> = new Set([
  "store_failing",
  "disk_nearly_full",
  "certificate_expiring",
  "token_expiring",
  "fleet_command_stopped",
  "channel_failing",
]);

/** What makes a rule ring that no condition tells. */
const builtInWords: Readonly<Record<Exclude<AlarmRuleBody["kind"], "condition">, string>> = {
  no_data: "a device sends nothing",
  error_flag: "a device raises an error flag, or is in the state Error",
  clock_off: "a device’s clock is wrong",
  contested: "two devices share one token",
  values_left_out: "values of a device are left out",
  claim_contested: "a claim is fought over",
  store_failing: "samples are not stored",
  disk_nearly_full: "the disk is nearly full",
  certificate_expiring: "the certificate expires",
  token_expiring: "an API token expires",
  fleet_command_stopped: "a fleet command stopped itself",
  channel_failing: "notifications are not delivered",
};

/** When it rings: `Charge < 10 %, for 5 min`. */
export function whenWords({ kind, when, for_s }: Pick<AlarmRuleBody, "kind" | "when" | "for_s">): string {
  const what = kind === "condition" ? when.map(conditionTextWords).join(" and ") : builtInWords[kind];
  return for_s === 0 ? what : `${what}, for ${formatSpan(1_000 * for_s)}`;
}

/** Which devices it is about. */
export function scopeWords({ kind, where }: Pick<AlarmRuleBody, "kind" | "where">): string {
  if (ofServer.has(kind)) return "the server";
  return where.length === 0 ? "all devices" : where.map(conditionTextWords).join(" and ");
}

export function isOfServer({ kind }: Pick<AlarmRuleBody, "kind">): boolean {
  return ofServer.has(kind);
}
