import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "@wattboard/protocol";
import { Past, type PlannedDevice, type PlantStart, samplesIn } from "@wattboard/simulator";
import type { Switchboard } from "../app/switchboard.ts";
import { systemClock } from "../base/clock.ts";
import { Failure, systemErrorCode } from "../base/failure.ts";
import { randomId } from "../base/random-id.ts";
import { localRequester, requesterText } from "../base/requester.ts";
import { WorkerClient } from "../base/worker-client.ts";
import { workerUrl } from "../base/worker-url.ts";
import type { CommandRecord } from "../commands/command-record.ts";
import { appendPatiently } from "../transfer/import/importer.ts";
import type { PastMember, PastMethods } from "./past-worker.ts";

/** What stands in the data folder: which past it is, and how much of it is stored. */
interface PastNote {
  readonly untilMs: number;
  readonly days: number;
  readonly devices: number;
  /** Of all parts: an era of a device each, the newest eras first. */
  readonly partsDone: number;
}

export interface DemoPast {
  /** How the devices stand at its end; undefined where the present has begun before. */
  readonly starts: Promise<readonly PlantStart[]> | undefined;
  /** Resolves when all is stored, or after `stop`. */
  readonly done: Promise<void>;
  /** Ends in the middle: the next start goes on from there. */
  stop(): Promise<void>;
}

const noteName = "demo-past.json";
/** More devices have no past, so that neither time nor disk grow without end. */
export const devicesWithPastMax = 20;
/** These have finer steps, the first two days as fine as live ones. */
export const fineDevices = 3;
const fineSteps = { recentS: 1, weekS: 900, olderS: 3_600 };
const coarseSteps = { recentS: 10, weekS: 3_600, olderS: 10_800 };
/**
 * The store writes each window of 15 minutes to its place by itself, between what it is given. It gets this long for each: what comes faster than
 * it is written would fill its memory, and live samples would wait for that.
 */
const windowMsEach = 2;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * Gives a new demo a past, and goes on with one that was not made to its end; null where there is nothing to make. A thread makes it, newest first,
 * and the store takes it batch by batch beside the live samples.
 */
export async function startPast(
  switchboard: Switchboard,
  dataDir: string,
  planned: readonly PlannedDevice[],
  { days, isNew, seed }: { readonly days: number; readonly isNew: boolean; readonly seed: number },
  onProgress: (share: number) => void,
): Promise<DemoPast | null> {
  const noteFile = join(dataDir, noteName);
  const found = isNew ? null : readPastNote(noteFile);
  if (!isNew && found === null) return null;
  const note = found ?? newNote(days, planned.length);
  const members = planned
    .slice(0, note.devices)
    .map((device, index) => memberOf(switchboard, device, index, note, seed));
  const parts = pastParts(members);
  if (note.partsDone >= parts.length) return null;
  if (isNew) {
    writePastNote(noteFile, note);
    await recordIncidents(switchboard, members);
  }
  const thread = new WorkerClient<PastMethods>({
    url: workerUrl(import.meta.url, "./past-worker"),
    setup: () => ({ data: members }),
    clock: systemClock,
    name: "the thread of the past",
    endedCode: "request_failed",
  });
  const stop = new AbortController();
  const starts = isNew ? thread.call("ends") : undefined;
  const total = parts.reduce((sum, part) => sum + part.samples, 0);

  const run = async (): Promise<void> => {
    await starts;
    let stored = parts.slice(0, note.partsDone).reduce((sum, part) => sum + part.samples, 0);
    for (const [index, { member, era, samples }] of parts.entries()) {
      if (index < note.partsDone) continue;
      let batch = await thread.call("next", member, era);
      for (let inPart = 0; batch !== null; ) {
        // The next batch is made while this one is stored.
        const following = thread.call("next", member, era);
        following.catch(() => {});
        await appendPatiently(switchboard.store, batch.records, systemClock, stop.signal);
        await systemClock.sleep(batch.windows * windowMsEach, stop.signal);
        inPart += batch.samples;
        onProgress((stored + inPart) / total);
        batch = await following;
      }
      stored += samples;
      writePastNote(noteFile, { ...note, partsDone: index + 1 });
    }
    await thread.close();
  };
  const done = run().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  // Whoever waits for it hears of it as well.
  done.catch(() => {});
  return {
    starts,
    done,
    async stop() {
      stop.abort();
      await thread.terminate();
      await done.catch(() => {});
    },
  };
}

function newNote(days: number, devices: number): PastNote {
  return {
    // On whole seconds, as a device's own samples are never exactly.
    untilMs: Math.floor(systemClock.wallMs() / 1_000) * 1_000,
    days,
    devices: Math.min(devicesWithPastMax, devices),
    partsDone: 0,
  };
}

interface PastPart {
  readonly member: number;
  readonly era: number;
  readonly samples: number;
}

function pastParts(members: readonly PastMember[]): PastPart[] {
  const parts = members.flatMap(({ planned, options }, member) =>
    new Past(planned, options).eras.map((era, index) => ({ member, era: index, samples: samplesIn(era) })),
  );
  return parts.sort((a, b) => a.era - b.era || a.member - b.member);
}

/** What happened to the first devices: one was away for a while and was told to charge, another had two days without a network. */
function memberOf(
  { devices }: Switchboard,
  planned: PlannedDevice,
  index: number,
  { untilMs, days }: PastNote,
  seed: number,
): PastMember {
  const spans =
    index === 0
      ? [{ fromMs: untilMs - 20 * hourMs, toMs: untilMs - 20 * hourMs + 40 * minuteMs }]
      : index === 1
        ? [{ fromMs: untilMs - 5 * dayMs, toMs: untilMs - 3 * dayMs }]
        : [];
  const firstMs = untilMs - days * dayMs;
  return {
    planned,
    key: devices.registrationOf(planned.deviceId).key,
    options: {
      seed,
      untilMs,
      days,
      steps: index < fineDevices ? fineSteps : coarseSteps,
      away: spans.filter(({ fromMs }) => fromMs > firstMs),
      orders: index === 0 ? ordersBefore(untilMs, planned) : [],
    },
  };
}

function ordersBefore(untilMs: number, { plant }: PlannedDevice): NonNullable<PastMember["options"]["orders"]> {
  const target_power = Math.round(plant.battery.chargeMaxW / 2);
  const order = { command_id: "past-charge", action: "SET_MODE" } as const;
  return [
    {
      atMs: untilMs - 6 * hourMs,
      command: { ...order, payload: { target_mode: "MANUAL_CHARGE", target_power } },
    },
    { atMs: untilMs - 5 * hourMs, command: { ...order, command_id: "past-auto", payload: { target_mode: "AUTO" } } },
  ];
}

/** Before the present begins, so that the record is in the order of time. */
async function recordIncidents({ commandStore, events }: Switchboard, members: readonly PastMember[]): Promise<void> {
  const notes = members.flatMap(({ planned: { deviceId }, options: { away = [] } }) =>
    away.flatMap(({ fromMs, toMs }) => [
      { atMs: fromMs, kind: "disconnected", deviceId, message: `${deviceId} is offline.` } as const,
      { atMs: toMs, kind: "connected", deviceId, message: `${deviceId} is online.` } as const,
    ]),
  );
  notes.sort((a, b) => a.atMs - b.atMs);
  for (const { atMs, kind, deviceId, message } of notes) events.note(kind, deviceId, message, atMs);
  const rows = members.flatMap(({ planned, key, options: { orders = [] } }) =>
    orders.map(({ atMs, command }) => ({
      table: "command" as const,
      record: pastCommand(planned.deviceId, key, atMs, command),
    })),
  );
  if (rows.length > 0) await commandStore.commit(rows);
}

function pastCommand(
  deviceId: string,
  registrationKey: string,
  atMs: number,
  { action, payload }: Command,
): CommandRecord {
  return {
    deviceId,
    registrationKey,
    commandId: `cmd_${randomId(8)}`,
    action,
    payload: payload as CommandRecord["payload"],
    requestedBy: requesterText(localRequester),
    requester: localRequester,
    fleetCommandId: null,
    createdAtMs: atMs,
    expiresAtMs: atMs + 5 * minuteMs,
    status: "applied",
    history: [
      { status: "queued", atMs, cause: "Simulated: it is part of the demo's past." },
      { status: "sent", atMs: atMs + 20, cause: "Sent to the device." },
      { status: "applied", atMs: atMs + 1_000, cause: "The telemetry shows it." },
    ],
    sentAtMs: atMs + 20,
    isClaimed: true,
  };
}

/** Null where there is none: the folder has begun without a past. */
function readPastNote(file: string): PastNote | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as PastNote;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw new Failure(
      "request_failed",
      `${file} cannot be read; delete it to go on without the rest of the past.`,
      error,
    );
  }
}

/** In one step, so that whoever ends in the middle leaves a whole one. */
function writePastNote(file: string, note: PastNote): void {
  writeFileSync(`${file}.new`, JSON.stringify(note), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
