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
  /** Samples handed to the socket. */
  sent: number;
  /** Samples dropped since there was no link. */
  skippedOffline: number;
  /** Samples dropped since the link did not take more: too much was waiting in the socket. */
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
  /**
   * Sends one sample now, and tells whether it went out to the socket. False while there is no link or the link is congested: the
   * sample is dropped and counted, not stored for later. Costs no timer: a process that drives thousands of devices leaves
   * `read` out and calls this from one loop.
   */
  send(sample: Sample): boolean;
  /**
   * Begins to get the samples of other devices over this device's own link, and goes on after each reconnect; gives what ends it. Whose they are
   * is the server's choice: the setting `access.peers` and the device's property `peers`. A refusal is logged and told to `onPeers`; it is asked
   * again with the next link, or when this is called again. A second call takes the place of the first.
   */
  subscribePeers(handlers: PeerHandlers): () => void;
  /** Closes the link (1000), ends all timers, and resolves when nothing is left running. May be called twice. */
  stop(): Promise<void>;
  /** Resolves when the device has stopped, by `stop` or by the signal. */
  readonly stopped: Promise<void>;
}
