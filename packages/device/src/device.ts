import type { Outage } from "./outage.ts";
import type { PeerHandlers } from "./peer-inbox.ts";
import type { Sample } from "./sample.ts";

/** What the device is about just now. */
export type DeviceStatus =
  | { readonly state: "connecting" }
  | { readonly state: "online" }
  /** There is no link; the next try comes in `retryInMs`. */
  | { readonly state: "waiting"; readonly outage: Outage; readonly retryInMs: number }
  | { readonly state: "stopped" };

/** What happened since the start; only ever grows. */
export interface DeviceCounters {
  /** Links that opened. */
  links: number;
  /** Samples handed to the socket as they were measured; what was sent later is not counted. */
  sent: number;
  /** Samples that the server has acknowledged as stored. */
  stored: number;
  /** Samples that the journal had no room for any more before the server had stored them. */
  lost: number;
  /** Samples dropped since there was no link, and no journal. */
  skippedOffline: number;
  /** Samples dropped since the link did not take more, too much was waiting in the socket, and there was no journal for them. */
  skippedCongested: number;
  /** Samples dropped since they were larger than the wire contract allows. */
  skippedTooBig: number;
  /** Samples that came to the server and were refused there, or of which something was left out, as far as it has told. */
  refused: number;
  /** Readings left out since the last `read` had not finished. */
  skippedReading: number;
  /** Calls of `read` that threw or rejected. */
  readFailures: number;
  /** Commands received; those that came again not counted. */
  commands: number;
  /** Commands whose handler threw or rejected. */
  commandFailures: number;
  /** Frames from the server that are not a command. */
  malformedFrames: number;
  /** Samples of other devices that came. */
  peerSamples: number;
}

/** One device and its link to Wattboard, which it keeps up until it is stopped. */
export interface Device {
  readonly deviceId: string;
  readonly status: DeviceStatus;
  readonly counters: Readonly<DeviceCounters>;
  /** Samples in the journal that the server has not stored, as far as it has told; 0 without a journal. */
  readonly waiting: number;
  /**
   * Sends one sample now, or keeps it in the journal until it can be sent. False: it is dropped, and counted. That is so if it is too large, after
   * `stop`, and, without a journal or with a server that does not know journals, while the link is congested; without a journal also while there is
   * none. Costs no timer: a process that drives thousands of devices leaves `read` out and calls this from one loop.
   */
  send(sample: Sample): boolean;
  /**
   * Brings the journal to the disk, and waits until the server has stored all that it holds, or `withinMs` are over (5 s by default). Gives whether
   * all is stored; false without a journal, as nothing tells.
   */
  flush(withinMs?: number): Promise<boolean>;
  /**
   * Begins to get the samples of other devices over this device's own link, and goes on after each reconnect; gives what ends it. Whose they are
   * is the server's choice: the setting `access.peers` and the device's property `peers`. A refusal is logged and told to `onPeers`; it is asked
   * again with the next link, or when this is called again. A second call takes the place of the first.
   */
  subscribePeers(handlers: PeerHandlers): () => void;
  /**
   * Closes the link (1000), ends all timers, and resolves when nothing is left running. A journal on disk is closed with all that was sent to it; with
   * one in memory the link stays up to 3 s longer, until the server has stored the last samples. May be called twice.
   */
  stop(): Promise<void>;
  /** Resolves when the device has stopped, by `stop` or by the signal. */
  readonly stopped: Promise<void>;
}
