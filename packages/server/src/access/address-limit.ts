import type { Socket } from "node:net";
import { addressPrefix } from "./address-prefix.ts";
import { plainAddress, type TrustedProxies } from "./trusted-proxies.ts";

/** Counts the sockets that each address (of IPv6 each 64 bits) holds open, and says when they are too many. Holds only addresses with something open. */
export class AddressLimit {
  readonly #max: number;
  readonly #proxies: TrustedProxies;
  readonly #openByAddress = new Map<string, number>();
  /** By the socket's other end, since a socket and the TLS around it are two objects. */
  readonly #addressByPeer = new Map<string, string>();

  constructor(max: number, proxies: TrustedProxies) {
    this.#max = max;
    this.#proxies = proxies;
  }

  /**
   * Counts the socket until it closes, or until it is trusted; false where its address has too many already. A declared proxy's sockets are
   * counted once it is known for whom they are: see `takeFor`.
   */
  take(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress);
    return this.#proxies.has(address) || this.takeFor(socket, address);
  }

  /** Counts a socket that a declared proxy opened for this address. */
  takeFor(socket: Socket, from: string): boolean {
    const peer = peerOf(socket);
    if (this.#addressByPeer.has(peer)) return true;
    const address = addressPrefix(from);
    const open = this.#openByAddress.get(address) ?? 0;
    if (open >= this.#max) return false;
    this.#openByAddress.set(address, open + 1);
    this.#addressByPeer.set(peer, address);
    socket.once("close", () => this.#give(peer));
    return true;
  }

  /** Counts the socket no longer: it has shown a device's token, and of devices there are only so many. */
  give(socket: Socket): void {
    this.#give(peerOf(socket));
  }

  #give(peer: string): void {
    const address = this.#addressByPeer.get(peer);
    if (address === undefined) return;
    this.#addressByPeer.delete(peer);
    const open = this.#openByAddress.get(address) ?? 0;
    if (open <= 1) this.#openByAddress.delete(address);
    else this.#openByAddress.set(address, open - 1);
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
