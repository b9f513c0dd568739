import { formatCount } from "./fleet-status.ts";
import type { SolMateCounters } from "./solmate-link.ts";

/** What a running fleet of SolMates does. Totals count since its start. */
export interface SolMateStatus extends Readonly<SolMateCounters> {
  readonly devices: number;
  readonly connected: number;
  /** Messages since the last status, a second. */
  readonly sentPerSecond: number;
  /** What last went wrong, in words; null while all devices are connected and answered with OK. */
  readonly trouble: string | null;
}

/** The live line of `wattboard simulate solmate`. */
export function formatSolMateStatus(status: SolMateStatus): string {
  const parts = [
    `${formatCount(status.connected)}/${formatCount(status.devices)} connected`,
    `${formatCount(status.sentPerSecond)} updates/s`,
    `${formatCount(status.ok)} OK`,
    `${formatCount(status.errors)} ERROR`,
  ];
  if (status.unanswered > 0) parts.push(`${formatCount(status.unanswered)} unanswered`);
  if (status.commands > 0) parts.push(`${formatCount(status.commands)} commands`);
  if (status.refused > 0) parts.push(`${formatCount(status.refused)} refused`);
  if (status.trouble !== null) parts.push(status.trouble);
  return parts.join(" · ");
}
