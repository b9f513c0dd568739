import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import { AddressList } from "./address-list.ts";

/** Hops that are looked at; a longer chain is taken to begin there. */
const hopsMax = 32;

/** What the proxies say of a request. */
interface Hop {
  /** From where it came. */
  readonly address: string;
  readonly proto: string;
  readonly host: string;
}

/**
 * The proxies that may say for whom they ask. `X-Forwarded-For`, `-Proto` and `-Host`, or where none of them is there `Forwarded` (RFC 7239),
 * count where the request comes from one of them, and are ignored from anybody else.
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
    return this.#hopOf(request).address;
  }

  /** Whether the request came over TLS, as far as this server or its proxy can tell. */
  isSecure(request: IncomingMessage): boolean {
    if (request.socket instanceof TLSSocket) return true;
    // Some proxies name the scheme of the socket that a page opens.
    return /^(?:https|wss)$/i.test(this.#hopOf(request).proto);
  }

  /** The name, with its port, under which the server was asked for. */
  hostOf(request: IncomingMessage): string | undefined {
    const { host } = this.#hopOf(request);
    return host === "" ? request.headers.host : host;
  }

  /** The origin under which the server was asked for, as browsers write it: small letters, no default port. Null where the name is none. */
  originOf(request: IncomingMessage): string | null {
    const host = this.hostOf(request);
    return host === undefined ? null : normalOrigin(`${this.isSecure(request) ? "https" : "http"}://${host}`);
  }

  #hopOf(request: IncomingMessage): Hop {
    const address = plainAddress(request.socket.remoteAddress);
    if (this.#list.isEmpty || !this.has(address)) return { address, proto: "", host: "" };
    const [chain, proto, host] = ["for", "proto", "host"].map((name) => headerOf(request, `x-forwarded-${name}`)) as [
      string,
      string,
      string,
    ];
    if (chain + proto + host === "") return this.#lastHop(address, readForwarded(headerOf(request, "forwarded")));
    const hops = chain.split(",").slice(-hopsMax);
    const first = (list: string): string => list.split(",", 1)[0]?.trim() ?? "";
    const said = { proto: first(proto), host: first(host) };
    return this.#lastHop(
      address,
      hops.map((hop) => ({ address: nodeAddress(hop), ...said })),
    );
  }

  /** The one that the outermost of the proxies has written: what a viewer wrote before it counts for nothing. */
  #lastHop(address: string, hops: readonly Hop[]): Hop {
    let last: Hop = { address, proto: "", host: "" };
    for (const hop of hops.toReversed()) {
      if (!this.has(last.address)) return last;
      const isAddress = isIP(hop.address) !== 0;
      last = { ...hop, address: isAddress ? hop.address : last.address };
      if (!isAddress) return last;
    }
    return last;
  }

  #isFromProxy(request: IncomingMessage): boolean {
    return this.has(plainAddress(request.socket.remoteAddress));
  }
}

/** `https://Board.example.org:443` as `https://board.example.org`; null where it is none. */
export function normalOrigin(text: string): string | null {
  const at = text.indexOf("://");
  // A path, a query or a name with a password is no origin.
  if (at === -1 || /[/?#@\\\s]/.test(text.slice(at + 3)) || !URL.canParse(text)) return null;
  const { protocol, host } = new URL(text);
  return `${protocol}//${host}`;
}

/** The address of a hop, which may have a port, and brackets where it is IPv6: `203.0.113.9:51234`, `[2001:db8::7]:4711`. */
function nodeAddress(text: string): string {
  const node = text.trim().replace(/^"([^"]*)"$/, "$1");
  if (node.startsWith("[")) return plainAddress(node.slice(1, node.indexOf("]")));
  const [address = "", , ...more] = node.split(":", 3);
  return plainAddress(more.length === 0 ? address : node);
}

/** The elements of a `Forwarded` header, oldest first. Quoted texts may hold commas and semicolons; each sign is looked at once. */
function readForwarded(header: string): Hop[] {
  const parts: string[][] = [[""]];
  let isQuoted = false;
  for (const sign of header) {
    if (sign === '"') isQuoted = !isQuoted;
    const element = parts.at(-1) as string[];
    if (!isQuoted && sign === ",") parts.push([""]);
    else if (!isQuoted && sign === ";") element.push("");
    else if (sign !== '"') element[element.length - 1] += sign;
  }
  return parts.slice(-hopsMax).map((element) => {
    const named = new Map(element.map((pair) => [pair.split("=", 1)[0]?.trim().toLowerCase(), valueIn(pair)]));
    return {
      address: nodeAddress(named.get("for") ?? ""),
      proto: named.get("proto") ?? "",
      host: named.get("host") ?? "",
    };
  });
}

function valueIn(pair: string): string {
  return pair.slice(pair.indexOf("=") + 1).trim();
}

/** IPv4 that came over an IPv6 socket as IPv4, so that one viewer has one address. */
export function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(\d{1,3}\.)/i, "$1");
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}
