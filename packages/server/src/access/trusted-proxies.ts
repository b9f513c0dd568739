import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import { AddressList } from "./address-list.ts";

/** Hops that are looked at; a longer chain is taken to begin there. */
const hopsMax = 32;

/**
 * The proxies that may say for whom they ask. `X-Forwarded-For`, `-Proto` and `-Host` count where the request comes from one of them, and
 * are ignored from anybody else.
 */
export class TrustedProxies {
  readonly #list: AddressList;

  /** Addresses and networks. Throws a `Failure`: `invalid_config`. */
  constructor(networks: readonly string[]) {
    this.#list = new AddressList("access.trusted_proxies", networks);
  }

  /** Whether the address is one of the proxies. */
  has(address: string): boolean {
    return this.#list.has(address);
  }

  /** Whether something between says for whom it asks, and nothing here says that it is to be believed. */
  isForwardedByOthers(request: IncomingMessage): boolean {
    const isForwarded = request.headers["x-forwarded-for"] !== undefined || request.headers.forwarded !== undefined;
    return isForwarded && !this.#isFromProxy(request);
  }

  /** From where the request comes: the last hop that is none of the proxies. */
  addressOf(request: IncomingMessage): string {
    let address = plainAddress(request.socket.remoteAddress);
    if (this.#list.isEmpty) return address;
    const hops = headerOf(request, "x-forwarded-for").split(",").slice(-hopsMax).reverse();
    for (const hop of hops) {
      const before = plainAddress(hop.trim());
      if (!this.has(address) || isIP(before) === 0) return address;
      address = before;
    }
    return address;
  }

  /** Whether the request came over TLS, as far as this server or its proxy can tell. */
  isSecure(request: IncomingMessage): boolean {
    if (request.socket instanceof TLSSocket) return true;
    return this.#isFromProxy(request) && headerOf(request, "x-forwarded-proto").split(",")[0]?.trim() === "https";
  }

  /** The name, with its port, under which the server was asked for. */
  hostOf(request: IncomingMessage): string | undefined {
    const forwarded = this.#isFromProxy(request) ? headerOf(request, "x-forwarded-host").split(",")[0]?.trim() : "";
    return forwarded === "" ? request.headers.host : forwarded;
  }

  #isFromProxy(request: IncomingMessage): boolean {
    return this.has(plainAddress(request.socket.remoteAddress));
  }
}

/** IPv4 that came over an IPv6 socket as IPv4, so that one viewer has one address. */
export function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(\d{1,3}\.)/i, "$1");
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}
