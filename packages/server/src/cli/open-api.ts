import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accessFileName, lockAccessFile } from "../access/access-file.ts";
import { readControlFile } from "../access/control-file.ts";
import type { Role } from "../access/principal.ts";
import { Failure, systemErrorCode } from "../base/failure.ts";
import type { Api, SendOptions } from "./api.ts";
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
      if (running !== null)
        return new ApiOfFolder(running, () => openApi({ dataDir }, { role, mayCreate, ...options }));
      // A server that starts or stops, or another command like this one: that may take a moment.
      if (tries >= triesMax) throw error;
      await sleep(retryMs);
    }
  }
}

/**
 * A server that was found running on a data folder. What it does not hear, since it has just stopped, goes to whoever has the folder next: the
 * server after it, or this process.
 */
class ApiOfFolder implements Api {
  readonly #reopen: () => Promise<Api>;
  #api: Api;

  constructor(running: Api, reopen: () => Promise<Api>) {
    this.#api = running;
    this.#reopen = reopen;
  }

  get url(): string | undefined {
    return this.#api.url;
  }

  get copiesIn(): string | undefined {
    return this.#api.copiesIn;
  }

  async send(method: string, path: string, body?: unknown, options?: SendOptions): Promise<AsyncIterable<Uint8Array>> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#api.send(method, path, body, options);
      } catch (error) {
        if (tries >= triesMax || !wasUnheard(error, method)) throw error;
        await sleep(retryMs);
        const next = await this.#reopen();
        this.#api = next instanceof ApiOfFolder ? next.#api : next;
      }
    }
  }

  close(): Promise<void> {
    return this.#api.close();
  }
}

/** Whether a request has surely not been acted on, or may be made once more. */
function wasUnheard(error: unknown, method: string): boolean {
  if (!(error instanceof Failure) || error.code !== "no_server") return false;
  const { cause } = error;
  const code = systemErrorCode(cause instanceof TypeError ? cause.cause : cause);
  if (code === "ECONNREFUSED") return true;
  return method !== "POST" && (code === "ECONNRESET" || code === "UND_ERR_SOCKET");
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
