import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { AddressList } from "../../access/address-list.ts";
import { systemErrorCode } from "../../base/failure.ts";
import { isPublicAddress } from "./public-address.ts";
import { resolveName } from "./resolve-name.ts";

/** Bytes of an answer that are read; the rest is nobody's business. */
const answerBytesMax = 4_096;

export interface Posted {
  readonly status: number;
  /** From `Retry-After`, where it says so in seconds. */
  readonly retryAfterMs: number;
}

/** Why a request was not made, or not answered: in words, without the address, which may hold secrets. */
export class RequestFault extends Error {
  /** It will never be made: nothing that may change by itself is in its way. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal = false) {
    super(message);
    this.name = "RequestFault";
    this.isFinal = isFinal;
  }
}

/**
 * Sends to addresses that other people chose, and never to the inside: a name is resolved once, each of its addresses must be of the internet or of
 * a listed network, and the connection goes to one of those that were judged, whatever the name says a moment later. Redirects are not followed.
 */
export class GuardedClient {
  readonly #privateNetworks: AddressList;
  readonly #resolve: typeof resolveName;

  constructor(privateNetworks: AddressList, resolve = resolveName) {
    this.#privateNetworks = privateNetworks;
    this.#resolve = resolve;
  }

  /** Rejects with a `RequestFault`. */
  async post(
    address: string,
    headers: Readonly<Record<string, string>>,
    body: string | Buffer,
    signal: AbortSignal,
  ): Promise<Posted> {
    const url = new URL(address);
    const addresses = await this.#judged(url, signal);
    const lookup: LookupFunction = (_name, options, callback) => {
      const all = addresses.map((each) => ({ address: each, family: isIP(each) }));
      if (options.all) callback(null, all);
      else callback(null, all[0]?.address as string, all[0]?.family);
    };
    const options: RequestOptions = {
      method: "POST",
      // A connection that is kept could be another's, made to an address that was judged for something else.
      agent: false,
      lookup,
      signal,
      headers: {
        "User-Agent": "Wattboard",
        ...headers,
        "Content-Length": Buffer.byteLength(body),
        Connection: "close",
      },
    };
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(url, options, (answer) => readAnswer(answer).then(resolve, refuse));
      const refuse = (error: unknown): void => {
        request.destroy();
        reject(signal.aborted ? new RequestFault("It did not answer in time.") : requestFaultOf(error));
      };
      request.on("error", refuse);
      request.end(body);
    });
  }

  /** The addresses that the request may go to. */
  async #judged({ hostname, protocol }: URL, signal: AbortSignal): Promise<readonly string[]> {
    const literal = hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(literal) === 0 ? await this.#addressesOf(literal, signal) : [literal];
    const isListed = addresses.every((each) => this.#privateNetworks.has(each));
    if (!addresses.every((each) => isPublicAddress(each) || this.#privateNetworks.has(each))) {
      throw new RequestFault(
        "It is an address of a private network; whoever runs the server allows those in notify.private_networks.",
        true,
      );
    }
    if (protocol !== "https:" && !isListed) {
      throw new RequestFault("Only https:// is sent to, but for addresses listed in notify.private_networks.", true);
    }
    return addresses;
  }

  async #addressesOf(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    try {
      return await Promise.race([this.#resolve(name, signal), late]);
    } catch (error) {
      if (signal.aborted) throw new RequestFault("Its name was not resolved in time.");
      throw new RequestFault(`Its name cannot be resolved (${systemErrorCode(error) ?? "no answer"}).`);
    }
  }
}

function readAnswer(answer: IncomingMessage): Promise<Posted> {
  const status = answer.statusCode ?? 0;
  const after = Number(answer.headers["retry-after"]);
  const posted = { status, retryAfterMs: after > 0 ? after * 1_000 : 0 };
  return new Promise((resolve, reject) => {
    let bytes = 0;
    answer.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes < answerBytesMax) return;
      resolve(posted);
      answer.destroy();
    });
    answer.on("end", () => resolve(posted));
    answer.on("error", reject);
  });
}

function requestFaultOf(error: unknown): RequestFault {
  const code = systemErrorCode(error);
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "Nobody listens there.",
    ECONNRESET: "It ended the connection.",
    EHOSTUNREACH: "There is no way there.",
    ENETUNREACH: "There is no way there.",
    ETIMEDOUT: "It did not answer in time.",
  };
  if (code === undefined) return new RequestFault("The connection failed.");
  const isTls =
    code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || code.includes("CERT") || code.includes("SIGNATURE");
  return new RequestFault(
    isTls ? `Its certificate is not accepted (${code}).` : (words[code] ?? `The connection failed (${code}).`),
  );
}
