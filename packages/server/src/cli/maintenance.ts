import { mkdirSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { DevicesBody, StrikeBody, StrikesBody } from "@wattboard/protocol";
import { type Command, Option } from "commander";
import type { Role } from "../access/principal.ts";
import { isoTime } from "../base/iso-time.ts";
import { temporaryPath } from "../base/temporary-files.ts";
import type { StrikeOrder } from "../history/strike-out.ts";
import type { Verified } from "../store/store.ts";
import { copyChecked, type Manifest, writeManifest } from "../transfer/backup/backup.ts";
import { leftOutTrailer } from "../transfer/export/export.ts";
import type { ExportQuery } from "../transfer/export/export-query.ts";
import type { ImportSample } from "../transfer/import/import-sample.ts";
import type { Imported } from "../transfer/import/importer.ts";
import type { StoreInfoBody } from "../transfer/store-info.ts";
import { type Api, followProgress, pagesOf, requestJson } from "./api.ts";
import { addTargetOptions } from "./device.ts";
import { type ApiTarget, openApi } from "./open-api.ts";
import { CommandRefused } from "./report.ts";

export interface MaintenanceTarget extends ApiTarget {
  /** `store.url` for a folder that no server has. */
  readonly store?: string | undefined;
}

/** What is kept, and where: of the server of this machine, of one elsewhere, or in a folder without one. */
export function addMaintenanceOptions(command: Command): Command {
  return addTargetOptions(command).addOption(
    new Option(
      "--store <url>",
      "postgres://…, where the samples are kept there and no server runs (default: WATTBOARD_STORE_URL)",
    ),
  );
}

/** Opens what is kept, does one thing, and lets go. `role` is what that needs. Throws a `Failure`: as `openApi`, and `store_failed`. */
export async function withMaintenance<T>(
  { store, ...target }: MaintenanceTarget & { readonly role: Role; readonly copiesIn?: string },
  task: (maintenance: MaintenanceClient) => Promise<T>,
): Promise<T> {
  const { role, copiesIn } = target;
  const api = await openApi(target, { role, store: { url: store }, copiesIn });
  try {
    return await task(new MaintenanceClient(api));
  } finally {
    await api.close();
  }
}

/** A request that finds the server busy, or its store away, is made again, so often and so long after. */
const triesMax = 60;
const retryMs = 500;
/** What is kept may be much: an answer takes as long as it takes. */
const unhurried = { timeoutMs: 0 };

/** What the command line does with what is kept. */
export class MaintenanceClient {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** The registered devices, in order. */
  async deviceIds(): Promise<string[]> {
    const found: string[] = [];
    for await (const { devices } of pagesOf<DevicesBody>(this.#api, "/devices?limit=1000")) {
      found.push(...devices.map(({ device_id: id }) => id));
    }
    return found.sort();
  }

  async export(asked: ExportQuery): Promise<AsyncIterable<Uint8Array>> {
    const { deviceIds, isAll, fromMs, toMs, points, format, start, onLeftOut } = asked;
    const query = new URLSearchParams({ from: isoTime(fromMs), to: isoTime(toMs), format });
    // So many ids would not fit into an address.
    if (isAll) query.set("all", "true");
    else for (const deviceId of deviceIds) query.append("device", deviceId);
    if (points !== undefined) query.set("points", points.join(","));
    if (start !== undefined) {
      query.set("start_device", start.deviceId);
      query.set("start_at", isoTime(start.fromMs));
    }
    return await this.#api.send("GET", `/export?${query}`, undefined, {
      ...unhurried,
      onTrailers(trailers) {
        const leftOut = trailers[leftOutTrailer];
        if (leftOut !== undefined && leftOut !== "") onLeftOut?.(leftOut.split("; "));
      },
    });
  }

  /** Samples that belong to the same device and time must come together. */
  async import(samples: readonly ImportSample[]): Promise<Imported> {
    const lines = samples.map(({ deviceId, observedAtMs, receivedAtMs, points }) =>
      JSON.stringify({
        device_id: deviceId,
        observed_at: isoTime(observedAtMs),
        received_at: isoTime(receivedAtMs),
        points,
      }),
    );
    for (let tries = 1; ; tries++) {
      try {
        return await requestJson<Imported>(this.#api, "POST", "/import", lines.join("\n"), unhurried);
      } catch (error) {
        const mayPass = error instanceof CommandRefused && ["busy", "store_unavailable"].includes(error.refusal.code);
        if (!mayPass || tries === triesMax) throw error;
      }
      await sleep(retryMs);
    }
  }

  info(): Promise<StoreInfoBody> {
    return requestJson<StoreInfoBody>(this.#api, "GET", "/store", undefined, unhurried);
  }

  verify(progress: (share: number) => void): Promise<Verified> {
    return followProgress<Verified>(this.#api, "GET", "/store/verify", progress);
  }

  /** Gives what was done, in words. */
  async repair(progress: (share: number) => void): Promise<readonly string[]> {
    return (await followProgress<{ repaired: readonly string[] }>(this.#api, "POST", "/store/repair", progress))
      .repaired;
  }

  /** Writes the files of a backup to a new folder. */
  async backup(folder: string, progress: (share: number) => void): Promise<Manifest> {
    const { copiesIn } = this.#api;
    const share = copiesIn === undefined ? 0.5 : 1;
    const { backup_id: id, manifest } = await followProgress<{ backup_id: string; manifest: Manifest }>(
      this.#api,
      "POST",
      "/backups",
      (done) => progress(done * share),
    );
    if (copiesIn !== undefined) await rename(temporaryPath(copiesIn, id), folder);
    else await this.#fetchBackup(id, manifest, folder, (done) => progress(share + done * (1 - share)));
    return manifest;
  }

  /** Strikes values out of a device's past; `strikes` gives what is, `unstrike` undoes one. */
  strike(deviceId: string, order: StrikeOrder): Promise<StrikeBody> {
    return requestJson<StrikeBody>(this.#api, "POST", strikesOf(deviceId), order);
  }

  async strikes(deviceId: string): Promise<readonly StrikeBody[]> {
    return (await requestJson<StrikesBody>(this.#api, "GET", strikesOf(deviceId))).strikes;
  }

  unstrike(deviceId: string, number: number): Promise<StrikeBody> {
    return requestJson<StrikeBody>(this.#api, "DELETE", `${strikesOf(deviceId)}/${number}`);
  }

  async #fetchBackup(id: string, manifest: Manifest, folder: string, progress: (share: number) => void): Promise<void> {
    try {
      mkdirSync(folder, { mode: 0o700 });
      const bytesInAll = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
      let copied = 0;
      for (const file of manifest.files) {
        const body = await this.#api.send("GET", `/backups/${id}/${file.name}`, undefined, unhurried);
        await copyChecked(Readable.from(body), join(folder, file.name), file, (bytes) => {
          copied += bytes;
          progress(copied / bytesInAll);
        });
      }
      writeManifest(folder, manifest);
    } finally {
      await this.#api.send("DELETE", `/backups/${id}`).catch(() => {});
    }
  }
}

function strikesOf(deviceId: string): string {
  return `/devices/${encodeURIComponent(deviceId)}/strikes`;
}
