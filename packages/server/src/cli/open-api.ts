import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accessFileName, lockAccessFile } from "../access/access-file.ts";
import { readControlFile } from "../access/control-file.ts";
import type { Role } from "../access/principal.ts";
import { Failure } from "../base/failure.ts";
import type { Api } from "./api.ts";
import type { FolderOptions } from "./folder-api.ts";
import { HttpApi } from "./http-api.ts";

export interface ApiTarget {
  readonly dataDir: string;
  /** A server elsewhere; an API token for it is in WATTBOARD_TOKEN. */
  readonly url?: string | undefined;
}

export interface OpenOptions extends FolderOptions {
  /** What the token must be for. */
  readonly role: Role;
  /** Makes the data folder where there is none. */
  readonly mayCreate?: boolean;
}

const triesMax = 50;
const retryMs = 100;

/**
 * Finds the API: of the server elsewhere that is named; of the one that runs on the data folder; else over the folder itself. So there is only
 * ever one writer, and what is changed takes effect at once. Throws a `Failure`: `no_server`, `no_data_dir`, and as `openOffline`.
 */
export async function openApi(
  { dataDir, url }: ApiTarget,
  { role, mayCreate = false, ...options }: OpenOptions,
): Promise<Api> {
  if (url !== undefined) return apiElsewhere(url, role);
  if (!mayCreate && !existsSync(join(dataDir, accessFileName))) {
    throw new Failure(
      "no_data_dir",
      `There is no Wattboard data in ${dataDir}. Name the server's folder with --data-dir, or begin one: wattboard serve --data-dir ${dataDir}`,
    );
  }
  for (let tries = 1; ; tries++) {
    try {
      // Asked before the app is loaded, which takes longer than all that a running server is asked.
      lockAccessFile(dataDir).close();
      const { FolderApi } = await import("./folder-api.ts");
      return await FolderApi.open(dataDir, options);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "data_dir_in_use") throw error;
      const running = runningApi(dataDir);
      if (running !== null) return running;
      // A server that starts or stops, or another command like this one: that may take a moment.
      if (tries >= triesMax) throw error;
      await sleep(retryMs);
    }
  }
}

/** Throws a `Failure`, `no_server`, where there is no token for it. */
export function apiElsewhere(url: string, role: Role): Api {
  const token = process.env.WATTBOARD_TOKEN ?? "";
  if (token !== "") return new HttpApi(url, token);
  throw new Failure(
    "no_server",
    `--url needs an API token with the ${role} role in WATTBOARD_TOKEN. Make one on the server's machine: wattboard api-token add NAME --role ${role}`,
  );
}

/** The server that runs on the data folder; null where none has said so. */
export function runningApi(dataDir: string): Api | null {
  const control = readControlFile(dataDir);
  return control === null ? null : new HttpApi(control.url, control.token, control.certificate);
}
