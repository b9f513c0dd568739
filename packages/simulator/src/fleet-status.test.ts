import { expect, test } from "vitest";
import { type FleetStatus, formatStatus } from "./fleet-status.ts";

const quiet: FleetStatus = {
  devices: 1_000,
  connected: 1_000,
  sentPerSecond: 999.6,
  sentTotal: 12_345,
  missed: 0,
  refused: 0,
  commandsReceived: 0,
  commandsFailed: 0,
  inError: 0,
  trouble: null,
};

test("says what a healthy fleet does in one short line", () => {
  expect(formatStatus(quiet)).toBe("1,000/1,000 connected · 1,000 msg/s · 12,345 sent");
});

test("adds what is not in order", () => {
  const line = formatStatus({
    ...quiet,
    connected: 3,
    missed: 7,
    refused: 997,
    commandsReceived: 2,
    commandsFailed: 1,
    inError: 4,
    trouble: "Forbidden.",
  });
  expect(line).toBe(
    "3/1,000 connected · 1,000 msg/s · 12,345 sent · 7 missed · 997 refused · 2 commands (1 failed) · 4 in ERROR · Forbidden.",
  );
});
