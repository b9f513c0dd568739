import type { Socket } from "node:net";

/** Counts the sockets that each address holds open, and says when they are too many. Holds only addresses with something open. */
export class AddressLimit {
  readonly #max: number;
  readonly #openByAddress = new Map<string, number>();
  readonly #addressBySocket = new WeakMap<Socket, string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Counts the socket until it closes, or until it is trusted; false where its address has too many already. */
  take(socket: Socket): boolean {
    const address = socket.remoteAddress ?? "";
    const open = this.#openByAddress.get(address) ?? 0;
    if (open >= this.#max) return false;
    this.#openByAddress.set(address, open + 1);
    this.#addressBySocket.set(socket, address);
    socket.once("close", () => this.give(socket));
    return true;
  }

  /** Counts the socket no longer: it has closed, or has shown a device's token, and of devices there are only so many. */
  give(socket: Socket): void {
    const address = this.#addressBySocket.get(socket);
    if (address === undefined) return;
    this.#addressBySocket.delete(socket);
    const open = this.#openByAddress.get(address) ?? 0;
    if (open <= 1) this.#openByAddress.delete(address);
    else this.#openByAddress.set(address, open - 1);
  }
}
