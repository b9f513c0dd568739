import type { PeersFrame, Telemetry } from "@wattboard/protocol";

/** The newest sample of another device, as that one sent it: `device_id` says which. */
export type PeerSample = Telemetry;

/** What is done with the samples of other devices. */
export interface PeerHandlers {
  /** Gets the newest sample of each peer, and then what comes: at most one a second of each. */
  readonly onSample: (sample: PeerSample) => void;
  /** Told who the peers are, with each new link. There are none where the server refuses, and then it says why. */
  readonly onPeers?: (deviceIds: readonly string[], reason: string | null) => void;
}

interface PeerLink {
  /** False where there is no link, or it does not speak the subprotocol. */
  ask(isWanted: boolean): boolean;
  refused(reason: string): void;
  failed(handler: keyof PeerHandlers, error: unknown): void;
}

/** The one subscription of a device to its peers. It outlives links: each new one asks again. */
export class PeerInbox {
  readonly #link: PeerLink;
  #handlers: PeerHandlers | null = null;

  constructor(link: PeerLink) {
    this.#link = link;
  }

  /** Gives what ends it. A newer subscription takes the place of the one before. */
  subscribe(handlers: PeerHandlers): () => void {
    this.#handlers = handlers;
    this.#link.ask(true);
    return () => {
      if (this.#handlers !== handlers) return;
      this.#handlers = null;
      this.#link.ask(false);
    };
  }

  /** There is a new link. */
  linked(): void {
    if (this.#handlers === null || this.#link.ask(true)) return;
    this.#tell([], "The server does not speak wattboard.v1, and tells nobody of others.");
  }

  peers({ device_ids, reason }: PeersFrame): void {
    // After an unsubscribe comes the answer to it, and perhaps one that was on its way.
    if (this.#handlers !== null) this.#tell(device_ids, reason ?? null);
  }

  sample(sample: PeerSample): void {
    try {
      this.#handlers?.onSample(sample);
    } catch (error) {
      this.#link.failed("onSample", error);
    }
  }

  #tell(deviceIds: readonly string[], reason: string | null): void {
    if (reason !== null) this.#link.refused(reason);
    try {
      this.#handlers?.onPeers?.(deviceIds, reason);
    } catch (error) {
      this.#link.failed("onPeers", error);
    }
  }
}
