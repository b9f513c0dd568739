import type { Disconnect } from "@wattboard/protocol";
import type { DeviceJournal } from "./device-journal.ts";
import type { DurabilityWaiter } from "./durability.ts";

/** The little that a session needs of its link. */
export interface SessionLink {
  close(disconnect: Disconnect): void;
  probe(): void;
}

/** What a device speaks: `native` is the EMS communication interface and `wattboard.v1`. */
export type Dialect = "native" | "smart-os";

/** One stay of a device on one link. A newer session of the same device fences this one: what its link still sends is dropped. */
export class DeviceSession {
  readonly deviceId: string;
  /** Grows with every session, across restarts too; with `seq` it names a sample for ever. */
  readonly epoch: number;
  readonly connectedAtMs: number;
  readonly link: SessionLink;
  readonly dialect: Dialect;
  /** Tells the device what is neither a command nor asked for; null where it does not speak the subprotocol. */
  notify: ((frame: object) => void) | null = null;
  /** Whether the device stores a new token that it is sent; null: it has not said yet. */
  takesTokens: boolean | null = null;
  /** The id of the token that it was sent over this link, and of the one that it has stored. */
  offeredTokenId: string | null = null;
  storedTokenId: string | null = null;
  nextSeq = 0;
  /** Whether the device numbers its samples (ADR 70). */
  isNumbering = false;
  journal: DeviceJournal | null = null;
  waiter: DurabilityWaiter | null = null;
  fenced = false;

  constructor(deviceId: string, epoch: number, connectedAtMs: number, link: SessionLink, dialect: Dialect = "native") {
    this.deviceId = deviceId;
    this.epoch = epoch;
    this.connectedAtMs = connectedAtMs;
    this.link = link;
    this.dialect = dialect;
    if (dialect === "smart-os") this.takesTokens = false;
  }

  /** Ends the session at once: nothing that its link sends from here on counts. */
  end(disconnect: Disconnect): void {
    this.fenced = true;
    this.link.close(disconnect);
  }
}
