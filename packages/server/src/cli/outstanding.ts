import type { OutstandingBody, OutstandingItem } from "@wattboard/protocol";
import { printLine } from "./report.ts";

/** What rests on somebody, a line each. */
export function outstandingLines({ count, items }: OutstandingBody): string[] {
  const lines = items.map((item) => `  ${itemLine(item)}`);
  return count > items.length ? [...lines, `  and ${count - items.length} more`] : lines;
}

/** Says what has ended, where anything has. */
export function printEnded(ended: OutstandingBody): void {
  if (ended.count === 0) return;
  printLine("Ended with that:");
  for (const line of outstandingLines(ended)) printLine(line);
}

function itemLine({ kind, id, device_id, about }: OutstandingItem): string {
  switch (kind) {
    case "share_link":
      return `share link to ${device_id}, ${about}`;
    case "command":
      return `command ${id} to ${device_id}, ${about}`;
    case "fleet_command":
      return `fleet command ${id}, ${about}`;
    case "api_token":
      return `API token ${id}, ${about}`;
    case "one_time_link":
      return about === "" ? "link that creates an administrator" : `one-time link for ${about}`;
  }
}
