import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import type { DevicesBody, StrikeBody, StrikesBody } from "@wattboard/protocol";
import { Failure } from "../base/failure.ts";
import type { StrikeOrder } from "../history/strike-out.ts";
import type { Verified } from "../store/store.ts";
import { copyChecked, type Manifest, writeManifest } from "../transfer/backup/backup.ts";
import { leftOutTrailer } from "../transfer/export/export.ts";
import type { ExportQuery } from "../transfer/export/export-query.ts";
import type { ImportSample } from "../transfer/import/import-sample.ts";
import type { Imported } from "../transfer/import/importer.ts";
import type { StoreInfoBody } from "../transfer/store-info.ts";
import type { Maintenance } from "./maintenance.ts";
import { CommandRefused } from "./report.ts";
import { type ApiTarget, apiTarget, requestApi, sendToApi } from "./request-api.ts";

/** What a long task of the server says, line by line. */
type ProgressLine<T> =
  | { readonly share: number }
  | { readonly problem: { readonly code: string; readonly message: string } }
  | T;

/** A request that finds the server busy, or its store away, is made again, so often and so long after. */
const triesMax = 60;
const retryMs = 500;

/** What a running server keeps, through its API. */
export class RemoteMaintenance implements Maintenance {
  readonly #target: ApiTarget;

  constructor(url: string, token: string, certificate?: string) {
    this.#target = apiTarget(url, token, certificate);
  }

  async deviceIds(): Promise<string[]> {
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const { devices, next_cursor: next } = (await (
        await this.#request("GET", `/devices?limit=1000${cursor}`)
      ).json()) as DevicesBody;
      found.push(...devices.map(({ device_id: id }) => id));
      if (next === null) return found.sort();
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
  }

  async export({
    deviceIds,
    isAll,
    fromMs,
    toMs,
    points,
    format,
    start,
    onLeftOut,
  }: ExportQuery): Promise<AsyncIterable<Uint8Array>> {
    const query = new URLSearchParams({ from: isoTime(fromMs), to: isoTime(toMs), format });
    // So many ids would not fit into an address.
    if (isAll) query.set("all", "true");
    else for (const deviceId of deviceIds) query.append("device", deviceId);
    if (points !== undefined) query.set("points", points.join(","));
    if (start !== undefined) {
      query.set("start_device", start.deviceId);
      query.set("start_at", isoTime(start.fromMs));
    }
    const answer = await sendToApi(this.#target, "GET", `/export?${query}`, undefined, 0, (trailers) => {
      const leftOut = trailers[leftOutTrailer];
      if (leftOut !== undefined && leftOut !== "") onLeftOut?.(leftOut.split("; "));
    });
    return this.#bytesOf(answer);
  }

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
        return (await (await this.#request("POST", "/import", lines.join("\n"))).json()) as Imported;
      } catch (error) {
        const mayPass = error instanceof CommandRefused && ["busy", "store_unavailable"].includes(error.refusal.code);
        if (!mayPass || tries === triesMax) throw error;
      }
      await sleep(retryMs);
    }
  }

  async info(): Promise<StoreInfoBody> {
    return (await (await this.#request("GET", "/store")).json()) as StoreInfoBody;
  }

  async verify(progress: (share: number) => void): Promise<Verified> {
    return await this.#follow<Verified>("GET", "/store/verify", progress);
  }

  async repair(progress: (share: number) => void): Promise<readonly string[]> {
    return (await this.#follow<{ repaired: readonly string[] }>("POST", "/store/repair", progress)).repaired;
  }

  async backup(folder: string, progress: (share: number) => void): Promise<Manifest> {
    const { backup_id: id, manifest } = await this.#follow<{ backup_id: string; manifest: Manifest }>(
      "POST",
      "/backups",
      (share) => progress(share / 2),
    );
    try {
      mkdirSync(folder, { mode: 0o700 });
      const bytesInAll = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
      let copied = 0;
      for (const file of manifest.files) {
        const body = this.#bytesOf(await this.#request("GET", `/backups/${id}/${file.name}`));
        await copyChecked(Readable.from(body), join(folder, file.name), file, (bytes) => {
          copied += bytes;
          progress(0.5 + copied / bytesInAll / 2);
        });
      }
      writeManifest(folder, manifest);
      return manifest;
    } finally {
      await this.#request("DELETE", `/backups/${id}`).catch(() => {});
    }
  }

  async strike(deviceId: string, order: StrikeOrder): Promise<StrikeBody> {
    return await requestApi<StrikeBody>(this.#target, "POST", strikesOf(deviceId), order);
  }

  async strikes(deviceId: string): Promise<readonly StrikeBody[]> {
    return (await requestApi<StrikesBody>(this.#target, "GET", strikesOf(deviceId))).strikes;
  }

  async unstrike(deviceId: string, number: number): Promise<StrikeBody> {
    return await requestApi<StrikeBody>(this.#target, "DELETE", `${strikesOf(deviceId)}/${number}`);
  }

  async close(): Promise<void> {}

  /** Reads the lines of a long task to its result. */
  async #follow<T extends object>(method: string, path: string, progress: (share: number) => void): Promise<T> {
    const response = await this.#request(method, path);
    for await (const line of createInterface({ input: Readable.from(this.#bytesOf(response)) })) {
      const said = JSON.parse(line) as ProgressLine<T>;
      if ("share" in said) progress(said.share);
      else if ("problem" in said)
        throw new Failure("request_failed", `${this.#target.base} could not do it. ${said.problem.message}`);
      else return said;
    }
    throw new Failure(
      "request_failed",
      `${this.#target.base} broke off its answer. Is the server stopping? Try again.`,
    );
  }

  async *#bytesOf(response: Response): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of response.body as ReadableStream<Uint8Array>) yield bytes;
    } catch (error) {
      throw new Failure(
        "request_failed",
        `${this.#target.base} broke off its answer: the server failed, stopped, or the network did. Its log may say more; try again.`,
        error,
      );
    }
  }

  #request(method: string, path: string, body?: string): Promise<Response> {
    return sendToApi(this.#target, method, path, body, 0);
  }
}

function strikesOf(deviceId: string): string {
  return `/devices/${encodeURIComponent(deviceId)}/strikes`;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
