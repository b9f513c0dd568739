import { text } from "node:stream/consumers";
import { paths } from "@wattboard/protocol";
import { type OfflineApp, openOffline } from "../app/offline.ts";
import { type Config, loadConfig } from "../config/config.ts";
import { type Api, contentTypeOf, readProblem, type SendOptions } from "./api.ts";
import { CommandRefused } from "./report.ts";

export interface FolderOptions {
  /** Opens the store as well. `url` is its `store.url`; by default as the environment and its file have it. */
  readonly store?: { readonly url: string | undefined } | undefined;
  /** A folder for the copies of a backup; by default the data folder. */
  readonly copiesIn?: string | undefined;
}

/** The API over a data folder that no server has, in this process: the same routes, and so the same answers and the same audit. */
export class FolderApi implements Api {
  readonly copiesIn: string;
  readonly #offline: OfflineApp;

  constructor(offline: OfflineApp, copiesIn: string) {
    this.#offline = offline;
    this.copiesIn = copiesIn;
  }

  static async open(dataDir: string, { store, copiesIn = dataDir }: FolderOptions): Promise<FolderApi> {
    const config = configOf(dataDir, store);
    return new FolderApi(await openOffline({ config, withStore: store !== undefined, copiesIn }), copiesIn);
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    { onTrailers }: SendOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const answer = await this.#offline.app.inject({
      method: method as "GET",
      url: paths.api + path,
      headers: contentTypeOf(body),
      ...(body !== undefined && { payload: typeof body === "string" ? body : JSON.stringify(body) }),
      payloadAsStream: true,
    });
    const stream = answer.stream();
    const { res: response } = answer.raw;
    // Who reads no further has left, as one whose socket is closed: nothing works for them any more, and no timer waits.
    stream.once("close", () => {
      response.req.emit("close");
      response.destroy();
    });
    if (answer.statusCode < 400) {
      stream.once("end", () => onTrailers?.(answer.trailers));
      return stream;
    }
    const refusal = readProblem(await text(stream));
    if (refusal === null) throw new Error(`The answer to ${method} ${path} is ${answer.statusCode}, and no problem.`);
    throw new CommandRefused(refusal);
  }

  close(): Promise<void> {
    return this.#offline.close();
  }
}

/** For the store the settings of a server that would start here with this environment; all else needs none of them. */
function configOf(dataDir: string, store: FolderOptions["store"]): Config {
  const url = store?.url === undefined ? {} : { "store.url": store.url };
  return loadConfig({
    flags: { data_dir: dataDir, ...url },
    env: store === undefined ? {} : process.env,
    file: (store === undefined ? undefined : process.env.WATTBOARD_CONFIG) || undefined,
  }).config;
}
