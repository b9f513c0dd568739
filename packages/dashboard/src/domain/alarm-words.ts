import type { AlarmSeverity, AlarmState } from "@wattboard/protocol";

/** The lists of the protocol would bring its schemas with them, which no page needs. */
const severities: Readonly<Record<AlarmSeverity, string>> = {
  critical: "Critical",
  warning: "Warning",
  info: "Notice",
};

export function severityWord(severity: AlarmSeverity): string {
  return severities[severity];
}

/** The worst first. */
export const severitiesWorstFirst = Object.keys(severities) as readonly AlarmSeverity[];

export function severityTone(severity: AlarmSeverity): "bad" | "warn" | "info" {
  return ({ critical: "bad", warning: "warn", info: "info" } as const)[severity];
}

const states: Readonly<Record<AlarmState, string>> = {
  raised: "Open",
  acknowledged: "Acknowledged",
  snoozed: "Snoozed",
  cleared: "Over",
};

export const alarmStates = Object.keys(states) as readonly AlarmState[];

export function alarmStateWord(state: AlarmState): string {
  return states[state];
}
