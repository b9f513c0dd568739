import { limits } from "@wattboard/protocol";
import type { Message } from "./message.ts";
import type { Notice } from "./notice.ts";
import type { NotificationRecord } from "./records.ts";

/** One notification as its person may see it now. */
export interface ToldNotice {
  readonly record: NotificationRecord;
  readonly notice: Notice;
  /** Those that it concerns and that they may see. */
  readonly deviceIds: readonly string[];
}

interface ComposeContext {
  readonly timeZone: string;
  readonly nowMs: number;
  /** What addresses of pages begin with; null where the server does not know. */
  readonly linkBase: string | null;
  nameOf(deviceId: string): string;
}

/** Devices named in a message; the rest are counted. */
const namedMax = 20;
/** Things listed in a digest; the rest are counted. */
const listedMax = 50;
const dayMs = 86_400_000;

/** What stands in the list of notifications, and heads the message: `41 devices send nothing, all in Uppsala`. */
export function noticeTitle(
  { title, what, deviceIds: all }: Notice,
  deviceIds: readonly string[],
  nameOf: (deviceId: string) => string,
): string {
  if (deviceIds.length === all.length) return oneLine(title);
  const [first = ""] = deviceIds;
  return oneLine(`${what}: ${deviceIds.length === 1 ? nameOf(first) : `${deviceIds.length} of your devices`}`);
}

/** The message of what is told: none of it, a test; one by itself; several in a digest. */
export function compose(messageId: string, told: readonly ToldNotice[], context: ComposeContext): Message {
  const [first, ...others] = told;
  if (first === undefined) return composeTest(messageId, context);
  return others.length === 0 ? composeOne(messageId, first, context) : composeDigest(messageId, told, context);
}

function composeOne(messageId: string, told: ToldNotice, context: ComposeContext): Message {
  const { record, notice, deviceIds } = told;
  const title = noticeTitle(notice, deviceIds, context.nameOf);
  const heads = { begins: "", escalated: "Nobody has taken it on: ", over: "Over: ", test: "" };
  const lines = [
    spanText(notice, context),
    ...(record.phase === "over" ? [] : plainLines(notice.text)),
    ...deviceLines(deviceIds, context),
  ];
  return {
    messageId,
    severity: notice.severity,
    type: record.phase,
    about: notice.about,
    title: `${heads[record.phase]}${title}`,
    text: lines.join("\n"),
    url: urlOf(notice.path, context),
    atMs: context.nowMs,
    ttlS: dayMs / 1_000,
  };
}

/** Several in one message; what began and is over again is told once. */
function composeDigest(messageId: string, told: readonly ToldNotice[], context: ComposeContext): Message {
  const latest = new Map<string, ToldNotice>();
  for (const each of told) latest.set(each.notice.about, each);
  const shown = [...latest.values()];
  const over = shown.filter(({ notice }) => notice.phase === "over").length;
  const lines = shown
    .slice(0, listedMax)
    .map(
      ({ notice, deviceIds }) =>
        `- ${notice.severity}: ${noticeTitle(notice, deviceIds, context.nameOf)}; ${spanText(notice, context)}`,
    );
  const further = shown.length - lines.length;
  const severities = ["critical", "warning", "info"] as const;
  return {
    messageId,
    severity: severities.find((severity) => shown.some(({ notice }) => notice.severity === severity)) ?? "info",
    type: "digest",
    about: null,
    title: `${shown.length} ${shown.length === 1 ? "alarm" : "alarms"}${over === 0 ? "" : `, ${over} of them over`}`,
    text: [...lines, ...(further > 0 ? [`and ${further} more`] : [])].join("\n"),
    url: urlOf("/alarms", context),
    atMs: context.nowMs,
    ttlS: dayMs / 1_000,
  };
}

function composeTest(messageId: string, { nowMs, linkBase, timeZone }: ComposeContext): Message {
  return {
    messageId,
    severity: "info",
    type: "test",
    about: null,
    title: "Wattboard can reach you here",
    text: `This is a test, sent at ${personsTime(nowMs, nowMs, timeZone)}. Nothing has happened.`,
    url: urlOf("/account/notifications", { linkBase }),
    atMs: nowMs,
    ttlS: 3_600,
  };
}

function spanText({ sinceMs, overMs }: Notice, { nowMs, timeZone }: ComposeContext): string {
  const since = personsTime(sinceMs, nowMs, timeZone);
  return overMs === null ? `since ${since}` : `from ${since} to ${personsTime(overMs, nowMs, timeZone)}`;
}

function deviceLines(deviceIds: readonly string[], { nameOf }: ComposeContext): string[] {
  if (deviceIds.length < 2) return deviceIds.length === 0 ? [] : [`Device: ${nameOf(deviceIds[0] as string)}`];
  const named = deviceIds.slice(0, namedMax).map(nameOf).join(", ");
  const further = deviceIds.length - namedMax;
  return [`Devices: ${named}${further > 0 ? `, and ${further} more` : ""}`];
}

/** The time on the clock of the person, with the day where it is another than today. */
function personsTime(atMs: number, nowMs: number, timeZone: string): string {
  const day = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
  const time = new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "short" }).format(atMs);
  return day.format(atMs) === day.format(nowMs) ? time : `${day.format(atMs)} ${time}`;
}

function urlOf(path: string, { linkBase }: Pick<ComposeContext, "linkBase">): string | null {
  return linkBase === null ? null : linkBase + path;
}

/** Of names that come from outside: no line begins within one, and nothing turns the direction of what stands behind it. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, " ")
    .trim()
    .slice(0, limits.textLengthMax);
}

function plainLines(text: string): string[] {
  return text === "" ? [] : text.split("\n", 20).map(oneLine);
}
