import { maskedText } from "./burst.ts";
import { DriftingFleet } from "./drift.ts";
import { closeAll, openAll, openDevice, type Peer } from "./peer.ts";

const lookMs = 5;

/** Devices that send one sample a second each, every device at its own moment, whatever comes back. */
export class PacedDevices {
  readonly #peers: readonly Peer[];
  readonly #fleet: DriftingFleet;
  readonly #startedAtMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  sent = 0;

  private constructor(peers: readonly Peer[]) {
    this.#peers = peers;
    this.#fleet = new DriftingFleet(peers.length);
    this.#timer = setInterval(() => this.#sendWhatIsDue(), lookMs);
  }

  static async open(port: number, devices: number): Promise<PacedDevices> {
    return new PacedDevices(await openAll(devices, (index) => openDevice(port, index)));
  }

  /** Sends no more; what was sent is still processed. */
  stop(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.stop();
    closeAll(this.#peers);
  }

  #sendWhatIsDue(): void {
    const due = Math.floor(((performance.now() - this.#startedAtMs) / 1_000) * this.#peers.length);
    for (; this.sent < due; this.sent++) {
      const index = this.sent % this.#peers.length;
      this.#peers[index]?.socket.write(maskedText(this.#fleet.message(index, Date.now())));
    }
  }
}
