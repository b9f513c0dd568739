import { setTimeout as sleep } from "node:timers/promises";
import { type DeviceBody, type NewDeviceBody, propertyKeyPattern, type RotationBody } from "@wattboard/protocol";
import type { AdminClient } from "./admin-client.ts";
import { readCsvFile } from "./csv-file.ts";
import { ProgressBar } from "./progress-bar.ts";
import { WrongUsage } from "./report.ts";
import { TokenFile } from "./token-file.ts";

/** Devices of one request: the answer comes soon, and the bar moves. */
const requestDevices = 100;
const pollMs = 500;

/** How many ended in which way. */
export type Outcomes = Readonly<Record<string, number>>;

/** What `device add --from-file` reads: a column `id`, perhaps `name` and `token`, and a property in each further one. */
export function readNewDevices(path: string): NewDeviceBody[] {
  return readCsvFile(path).map(({ line, cells: { id = "", name = "", token = "", ...rest } }) => {
    if (id === "") throw new WrongUsage(`${path}, line ${line}: the column id is missing, or empty.`);
    const odd = Object.keys(rest).find((key) => !propertyKeyPattern.test(key));
    if (odd !== undefined) {
      throw new WrongUsage(
        `The column ${JSON.stringify(odd)} of ${path} is no name of a property: a-z 0-9 _, first a letter.`,
      );
    }
    const properties = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== ""));
    return { device_id: id, ...(name !== "" && { name }), ...(token !== "" && { token }), properties };
  });
}

/** Registers devices, some at a time, and writes the tokens and what became of each to a file. */
export async function addMany(
  administration: AdminClient,
  devices: readonly NewDeviceBody[],
  resultPath: string,
): Promise<Outcomes> {
  const file = new TokenFile(resultPath);
  const own = new Map(devices.flatMap(({ device_id, token }) => (token === undefined ? [] : [[device_id, token]])));
  const ids = devices.map(({ device_id }) => device_id);
  file.prepare(ids, own);
  await inRequests(devices, "added", async (some) => {
    const { results } = await administration.addDevices(
      some.map((device) => ({ ...device, token: file.tokenOf(device.device_id) })),
    );
    for (const { device_id: id, outcome, code, message } of results) {
      if (outcome === "refused") file.note(id, code === "device_exists" ? "exists already" : `refused: ${message}`, "");
      else file.note(id, "added");
    }
    file.save();
  });
  return file.count(ids);
}

/**
 * Rotates the tokens of devices, some at a time; then waits for those that are handed over over their links, `waitMs` at most. What became of each
 * is in the file.
 */
export async function rotateMany(
  administration: AdminClient,
  devices: readonly DeviceBody[],
  resultPath: string,
  { overlapMs, waitMs }: { readonly overlapMs: number; readonly waitMs: number },
): Promise<Outcomes> {
  const file = new TokenFile(resultPath);
  const ids = devices.map(({ device_id }) => device_id);
  file.prepare(ids);
  const rotated: string[] = [];
  await inRequests(ids, "rotated", async (some) => {
    const { results } = await administration.rotateTokens({
      devices: some.map((id) => ({ device_id: id, token: file.tokenOf(id) })),
      overlap_s: Math.round(overlapMs / 1_000),
    });
    for (const { device_id: id, outcome, message, rotation } of results) {
      if (outcome === "refused") file.note(id, `refused: ${message}`, "");
      else file.note(id, describeRotation(rotation ?? null, overlapMs));
      if (outcome !== "refused") rotated.push(id);
    }
    file.save();
  });
  if (overlapMs > 0 && rotated.length > 0) await followHandover(administration, file, rotated, waitMs);
  return file.count(ids);
}

/** Until no device is about to take its token any more. */
async function followHandover(
  administration: AdminClient,
  file: TokenFile,
  ids: readonly string[],
  waitMs: number,
): Promise<void> {
  const bar = new ProgressBar();
  const endMs = performance.now() + waitMs;
  for (;;) {
    const unfinished = new Map((await administration.listRotations()).map((each) => [each.device_id, each]));
    const states = ids.map((id) => [id, unfinished.get(id) ?? null] as const);
    const done = states.filter(([, rotation]) => rotation === null).length;
    bar.show(done / ids.length, `${done} of ${ids.length} have come with their new token`);
    const isUnderWay = states.some(([, rotation]) => rotation !== null && rotation.state !== "waiting");
    if (isUnderWay && performance.now() < endMs) {
      await sleep(pollMs);
      continue;
    }
    bar.end();
    for (const [id, rotation] of states)
      file.note(id, rotation === null ? "handed over" : describeRotation(rotation, 1));
    file.save();
    return;
  }
}

function describeRotation(rotation: RotationBody | null, overlapMs: number): string {
  if (rotation === null || overlapMs === 0 || rotation.by_hand) return "to be given by hand";
  return `handed over if the device comes before ${rotation.former_until} and takes it; else to be given by hand`;
}

async function inRequests<T>(
  items: readonly T[],
  what: string,
  send: (some: readonly T[]) => Promise<void>,
): Promise<void> {
  const bar = new ProgressBar();
  try {
    for (let from = 0; from < items.length; from += requestDevices) {
      bar.show(from / items.length, `${from} of ${items.length} ${what}`);
      await send(items.slice(from, from + requestDevices));
    }
  } finally {
    bar.end();
  }
}
