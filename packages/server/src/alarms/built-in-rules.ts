import type { AlarmKind, AlarmSeverity } from "@wattboard/protocol";
import type { AlarmRule } from "./alarm-record.ts";

interface BuiltIn {
  readonly name: string;
  readonly severity: AlarmSeverity;
  readonly forMs: number;
  readonly clearForMs: number;
  readonly text: string;
}

const minuteMs = 60_000;

const builtIns: Readonly<Record<Exclude<AlarmKind, "condition">, BuiltIn>> = {
  no_data: {
    name: "No data",
    severity: "critical",
    forMs: minuteMs,
    clearForMs: 10_000,
    text: "Check power and network at the place. Where several share a router, a site or a version, look there first.",
  },
  error_flag: {
    name: "Error flags",
    severity: "critical",
    forMs: 5_000,
    clearForMs: 30_000,
    text: "Look at what the flag says. Mend the cause, then reset the error.",
  },
  clock_off: {
    name: "Clock is wrong",
    severity: "info",
    forMs: 5 * minuteMs,
    clearForMs: minuteMs,
    text: "Its times are corrected, and nothing is lost. Check the device's time server (NTP).",
  },
  contested: {
    name: "Two devices share one token",
    severity: "critical",
    forMs: 0,
    clearForMs: 0,
    text: "A device was copied, or its token is used twice. Give each its own: rotate the token.",
  },
  values_left_out: {
    name: "Values are left out",
    severity: "warning",
    forMs: 0,
    clearForMs: 0,
    text: "The device sends values that cannot be right; they are left out. See its page for which, and check its sensors.",
  },
  claim_contested: {
    name: "A claim is fought over",
    severity: "critical",
    forMs: 0,
    clearForMs: 0,
    text: "Somebody tries to claim a device that is another's. Ask both; then acknowledge this.",
  },
  store_failing: {
    name: "Samples are not stored",
    severity: "critical",
    forMs: 10_000,
    clearForMs: 10_000,
    text: "Live delivery goes on. Look at the disk and the log; samples wait, and are lost where that takes too long.",
  },
  disk_nearly_full: {
    name: "The disk is nearly full",
    severity: "critical",
    forMs: minuteMs,
    clearForMs: minuteMs,
    text: "Make room on the disk of the data folder, or set store.retention_days.",
  },
  certificate_expiring: {
    name: "The certificate expires",
    severity: "warning",
    forMs: 0,
    clearForMs: 0,
    text: "Renew it, and have the server read it: SIGHUP. After it expires no device and no browser gets in.",
  },
  token_expiring: {
    name: "An API token expires",
    severity: "warning",
    forMs: 0,
    clearForMs: 0,
    text: "Make a new one for whoever uses it, then remove the old one.",
  },
  fleet_command_stopped: {
    name: "A fleet command stopped itself",
    severity: "warning",
    forMs: 0,
    clearForMs: 0,
    text: "Look at why, and at the devices that it had reached; then acknowledge this.",
  },
  channel_failing: {
    name: "Notifications are not delivered",
    severity: "warning",
    forMs: 0,
    clearForMs: 0,
    text: "Look at the channel and its last error, and test it.",
  },
};

/** On by default, each once; its id is its kind. */
export const builtInRules: readonly AlarmRule[] = Object.entries(builtIns).map(([kind, rule]) => ({
  ruleId: kind,
  kind: kind as AlarmKind,
  isOn: true,
  where: [],
  when: [],
  clearWhen: null,
  ...rule,
}));

/** Kinds that tell of something that has happened: nothing ends it but that somebody has seen it. */
export const onceKinds: ReadonlySet<AlarmKind> = new Set(["fleet_command_stopped", "claim_contested"]);

/** Kinds whose alarms are for administrators alone: they name who has which access. */
export const administratorKinds: ReadonlySet<AlarmKind> = new Set([
  "certificate_expiring",
  "token_expiring",
  "channel_failing",
]);

/** Kinds that are about devices; the others are about the server. */
export const deviceKinds: ReadonlySet<AlarmKind> = new Set([
  "condition",
  "no_data",
  "error_flag",
  "clock_off",
  "contested",
  "values_left_out",
  "claim_contested",
]);
