import { type FleetCommandBody, type FleetDeviceStatus, hasEnded } from "@wattboard/protocol";
import type { StatusTone } from "../../domain/command-words.ts";
import { formatNumber } from "../../ui/format-number.ts";

export function fleetStatusTone(status: FleetCommandBody["status"]): StatusTone {
  return ({ running: "open", done: "good", stopped: "bad", aborted: "dull" } as const)[status];
}

/** Whether anything of it may still change: commands that are on their way go on after its end. */
export function isUnderWay({ status, counts }: FleetCommandBody): boolean {
  const onTheirWay = (Object.keys(counts) as FleetDeviceStatus[]).some(
    (each) => each !== "waiting" && each !== "skipped" && !hasEnded(each),
  );
  return status === "running" || onTheirWay;
}

/** `37 applied, 2 expired, 2 skipped`. */
export function countWords({ counts }: Pick<FleetCommandBody, "counts">): string {
  return Object.entries(counts)
    .map(([status, count]) => `${formatNumber(count, 0)} ${status}`)
    .join(", ");
}
