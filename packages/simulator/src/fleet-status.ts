/** What a running fleet does. Totals count since its start. */
export interface FleetStatus {
  readonly devices: number;
  readonly connected: number;
  /** Telemetry messages since the last status, a second. */
  readonly sentPerSecond: number;
  readonly sentTotal: number;
  /** Messages that were due while a device had no link, or that this machine was too slow for. */
  readonly missed: number;
  /** Handshakes that the server answered with a refusal (403, 429, 503 …). */
  readonly refused: number;
  readonly commandsReceived: number;
  /** Commands that a device could not carry out. */
  readonly commandsFailed: number;
  /** Devices whose state machine is in ERROR. */
  readonly inError: number;
  /** Why the latest link ended or did not come about, in words; null while all devices are connected. */
  readonly trouble: string | null;
}

/** The live line of `wattboard simulate`. */
export function formatStatus(status: FleetStatus): string {
  const parts = [
    `${formatCount(status.connected)}/${formatCount(status.devices)} connected`,
    `${formatCount(status.sentPerSecond)} msg/s`,
    `${formatCount(status.sentTotal)} sent`,
  ];
  if (status.missed > 0) parts.push(`${formatCount(status.missed)} missed`);
  if (status.refused > 0) parts.push(`${formatCount(status.refused)} refused`);
  if (status.commandsReceived > 0) {
    const failed = status.commandsFailed > 0 ? ` (${formatCount(status.commandsFailed)} failed)` : "";
    parts.push(`${formatCount(status.commandsReceived)} commands${failed}`);
  }
  if (status.inError > 0) parts.push(`${formatCount(status.inError)} in ERROR`);
  if (status.trouble !== null) parts.push(status.trouble);
  return parts.join(" · ");
}

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
