import type { ReadableStream } from "node:stream/web";
import { paths } from "@wattboard/protocol";
import { Failure } from "../base/failure.ts";
import { type Api, contentTypeOf, readProblem, type SendOptions } from "./api.ts";
import { CommandRefused } from "./report.ts";
import { sendByNode } from "./send-by-node.ts";

/** A server's API, over the network. */
export class HttpApi implements Api {
  readonly url: string;
  readonly #base: string;
  readonly #token: string;
  readonly #certificate: string | undefined;

  /** `certificate`: of the server of this machine, where it speaks TLS; see `ControlFile`. */
  constructor(url: string, token: string, certificate?: string) {
    this.url = url;
    this.#base = url.replace(/^ws/, "http").replace(/\/$/, "") + paths.api;
    this.#token = token;
    this.#certificate = certificate;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    { timeoutMs = 30_000, onTrailers }: SendOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const base = this.#base;
    const certificate = this.#certificate;
    const init = {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...contentTypeOf(body) },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(timeoutMs > 0 && { signal: AbortSignal.timeout(timeoutMs) }),
    };
    let response: Response;
    try {
      response = await (certificate === undefined && onTrailers === undefined
        ? fetch(base + path, init)
        : sendByNode(base + path, init, { certificate, onTrailers }));
    } catch (error) {
      throw new Failure("no_server", `No answer from ${base}. Is the server running, and the address right?`, error);
    }
    if (response.ok) return this.#bytesOf(response);
    const refusal = readProblem(await response.text().catch(() => ""));
    if (refusal === null) {
      throw new Failure("request_failed", `${base} answered ${response.status} to ${method} ${path.split("?", 1)[0]}.`);
    }
    if (refusal.code !== "unauthorized") throw new CommandRefused(refusal);
    throw new CommandRefused({
      code: refusal.code,
      message: `${base} does not know the token: it is mistyped, expired or removed.`,
    });
  }

  async close(): Promise<void> {}

  async *#bytesOf({ body }: Response): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of (body ?? []) as ReadableStream<Uint8Array>) yield bytes;
    } catch (error) {
      throw new Failure(
        "request_failed",
        `${this.#base} broke off its answer: the server failed, stopped, or the network did. Its log may say more; try again.`,
        error,
      );
    }
  }
}
