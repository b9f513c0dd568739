import type { ChannelBody, NotificationBody } from "@wattboard/protocol";

export const stateWords: Readonly<Record<ChannelBody["state"], string>> = {
  unverified: "not confirmed yet",
  ready: "ready",
  failing: "failing",
  gone: "gone",
};

export const presetWords: Readonly<Record<NonNullable<ChannelBody["preset"]>, string>> = {
  standard: "Webhook",
  ntfy: "ntfy",
  slack: "Slack",
  telegram: "Telegram",
  home_assistant: "Home Assistant",
};

export function kindWord({ kind, preset }: Pick<ChannelBody, "kind" | "preset">): string {
  if (kind === "webhook") return presetWords[preset ?? "standard"];
  return kind === "email" ? "E-mail" : "Browser";
}

/** What is told there, as one would say it. */
export function channelScopeWords({ is_on, severities, where, digest_minutes, with_server }: ChannelBody): string {
  if (!is_on) return "Off: nothing but tests is sent.";
  if (severities.length === 0) return "Nothing is told but what is escalated to you.";
  const words = severities.map((each) => ({ critical: "critical alarms", warning: "warnings", info: "notes" })[each]);
  const what = severities.length === 3 ? "everything" : words.join(" and ");
  const which = where.length === 0 ? "all your devices" : `devices where ${where.join(" and ")}`;
  const when = digest_minutes === 0 ? "at once" : `collected for ${digest_minutes} minutes`;
  return `Tells ${what}, ${when}, about ${which}${with_server ? ", and the server" : ""}.`;
}

const heldWords = {
  quiet_hours: "waits for the end of your quiet hours",
  digest: "is collected for a digest",
  limit: "waits: as many as may be sent within an hour have been",
} as const;

const statusWords: Readonly<Record<NotificationBody["status"], string>> = {
  queued: "waits",
  sent: "on its way",
  delivered: "delivered",
  seen: "shown",
  failed: "failed, is tried again",
  given_up: "given up",
  withdrawn: "withdrawn",
};

export function statusWord({ status, held_because }: NotificationBody): string {
  return held_because === null ? statusWords[status] : heldWords[held_because];
}

const phaseWords = { test: "", begins: "", escalated: "Escalated: ", over: "Over: " } as const;

export function titleWords({ phase, title }: NotificationBody): string {
  return phase === "test" ? "A test" : phaseWords[phase] + title;
}
