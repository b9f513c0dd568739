import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { TLSSocket } from "node:tls";
import { Failure } from "../base/failure.ts";

/** Hops that are looked at; a longer chain is taken to begin there. */
const hopsMax = 32;

/**
 * The proxies that may say for whom they ask. `X-Forwarded-For`, `-Proto` and `-Host` count where the request comes from one of them, and
 * are ignored from anybody else.
 */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #isEmpty: boolean;

  /** Addresses and networks: `10.0.0.7`, `10.0.0.0/8`, `::1`. Throws a `Failure`: `invalid_config`. */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0;
    for (const network of networks) {
      const [address = "", prefix] = network.split("/");
      const family = isIP(address);
      const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
      if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) {
        throw new Failure(
          "invalid_config",
          `access.trusted_proxies has ${JSON.stringify(network)}; it must be an address or a network such as 10.0.0.0/8.`,
        );
      }
      this.#list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
    }
  }

  /** Whether the address is one of the proxies. */
  has(address: string): boolean {
    return !this.#isEmpty && isIP(address) !== 0 && this.#list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
  }

  /** From where the request comes: the last hop that is none of the proxies. */
  addressOf(request: IncomingMessage): string {
    let address = plainAddress(request.socket.remoteAddress);
    if (this.#isEmpty) return address;
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
