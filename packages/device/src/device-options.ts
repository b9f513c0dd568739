import type { Capabilities } from "@wattboard/protocol";
import type { Clock } from "./clock.ts";
import type { CommandHandler } from "./command-inbox.ts";
import type { CommandMemory } from "./command-memory.ts";
import type { DeviceStatus } from "./device.ts";
import type { DeviceNotice } from "./device-notice.ts";
import type { JournalOpener } from "./journal.ts";
import type { Sample } from "./sample.ts";
import type { TokenStore } from "./token-store.ts";
import type { Transport } from "./transport.ts";

export interface DeviceOptions {
  /** Default: the environment's `DEVICE_ID`. */
  readonly deviceId?: string;
  /** Default: the environment's `API_TOKEN`. Sent in the `Authorization` header, never in the URL. */
  readonly token?: string;
  /** The server's base address, with its path where it has one: http, https, ws or wss. Default: the environment's `WATTBOARD_URL`, then `http://127.0.0.1:8000`. */
  readonly url?: string;
  /**
   * Where samples are kept until the server has stored them, so that an outage loses none: a folder of this device's own, such as
   * `"/var/lib/my-device/journal"`, which outlives the program; `"memory"`, for half an hour at one sample a second and as long as the program runs;
   * false for none. Default: the folder `$WATTBOARD_JOURNALS/ID`, else `~/.local/state/wattboard-device/ID`; in memory where that cannot be had. With other bounds: `fileJournal(folder, { bytesMax, syncMs })`, `memoryJournal({ bytesMax })`.
   * `connectDevice` throws a `JournalError` if another process has the folder.
   */
  readonly journal?: string | false | JournalOpener;
  /**
   * Keeps the token that the server hands over when it is rotated there: from then on the device comes with that one, and with `token` where it is
   * refused. False: such tokens are not taken. Default: `token.json` in the folder of the journal, where that is one and stands in `journal` or is the usual
   * one; else false.
   */
  readonly tokenStore?: TokenStore | false;
  /** Told the server: the version of the program that uses this SDK, or of the device. */
  readonly softwareVersion?: string;
  /** Measures once, each time the SDK asks: while online, and with a journal always. Null means that there is nothing to send. Without it, call `send`. */
  readonly read?: () => Sample | null | Promise<Sample | null>;
  /** How often `read` is called, above 0 to 50 a second. Default 1. */
  readonly rateHz?: number;
  /**
   * Carries out a command, each `command_id` once. Return when it is done; throw a `CommandRejected` where the device will not do it, anything
   * else where it failed. Called as each one comes: an asynchronous handler may overlap with the next. A manual mode whose lease ends is
   * given as a SET_MODE to AUTO.
   */
  readonly onCommand?: CommandHandler;
  /**
   * What the device can be told, with ranges: other commands never reach `onCommand`. Default: SET_MODE with leases and RESET_ERROR where
   * there is an `onCommand`, else nothing.
   */
  readonly announcement?: Capabilities;
  /** Remembers commands beyond a restart, such as `fileCommandMemory(path)`. Without it a command may be applied again after one. */
  readonly commandMemory?: CommandMemory;
  /** Told each change of `device.status`. */
  readonly onStatus?: (status: DeviceStatus) => void;
  /** Told what a person should know. Default: a line on stderr. */
  readonly log?: (notice: DeviceNotice) => void;
  /** Stops the device. */
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests: 0 ≤ random() < 1, spreads the retries. */
  readonly random?: () => number;
  /** For tests and simulations: how the server is reached, instead of by a WebSocket to `url`. */
  readonly transport?: Transport;
}
