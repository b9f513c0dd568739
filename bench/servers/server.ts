/** A server under test, in a process of its own. */
export interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Where its API is, with a token that may do everything; absent where it has none. */
  readonly api?: { readonly url: string; readonly token: string };
  /** What the server itself counts. */
  counts(): Promise<Counts>;
  /** Has it collect its garbage; for scenarios that measure memory. Needs `collectable`. */
  collectGarbage(): void;
  /** The longest turn of its event loop since this was asked last, ms of CPU time. Needs `probed`. */
  longestTurnMs?(): Promise<number>;
  stop(): Promise<void>;
}

export interface Counts {
  readonly accepted: number;
  /** Refused, dropped, or accepted but not stored: must stay 0. */
  readonly lost: number;
  /** Durable samples; null where the server stores nothing. */
  readonly stored: number | null;
}

export interface ServerOptions {
  /** How many devices the server must know. */
  readonly devices: number;
  /** A data folder in which the devices are registered, see `makeDataFolder`; it is deleted with the server. Absent: a new one is made. */
  readonly dataDir?: string;
  /** Lets the bench call for a garbage collection. */
  readonly collectable?: boolean;
  /** Measures the turns of the event loop. */
  readonly probed?: boolean;
  /** Folder for a CPU profile, written when the server stops. */
  readonly profileDir?: string | undefined;
  /** Further settings, by their names in the environment. */
  readonly settings?: Readonly<Record<string, string>>;
}

export type StartServer = (options: ServerOptions) => Promise<Server>;
