import { type FleetFrame, type FleetRow, paths } from "@wattboard/protocol/constants";
import { LiveSocket } from "./live-socket.ts";
import { parseObject } from "./parse-object.ts";
import type { Stream, StreamOptions } from "./stream.ts";

export interface FleetOptions extends StreamOptions {
  /** Told the ids whose row came, changed or went, after `rows` has them. */
  readonly onChange?: (changedIds: readonly string[]) => void;
}

/** The whole fleet, live. */
export interface Fleet extends Stream {
  /** By device id, in the server's order. Changes in place; while the stream is not `OPEN` it holds what was last heard. */
  readonly rows: ReadonlyMap<string, FleetRow>;
  /** Whether the whole fleet has come once; before that, a row that is not there may still come. */
  readonly complete: boolean;
  /** How many devices the server has to tell, as it said at the beginning; null before that, and from servers that do not say. */
  readonly total: number | null;
  /**
   * What to add to `Date.now()` to get the server's time, in milliseconds, so that the age of a value does not depend on this
   * computer's clock; null before the first frame.
   */
  readonly clockOffsetMs: number | null;
}

/** Listens to the fleet. Returns at once with status `CONNECTING`; callbacks come in later turns. Call `close` when done. */
export function connectFleet(options: FleetOptions = {}): Fleet {
  return new LiveFleet(options);
}

class LiveFleet implements Fleet {
  readonly rows = new Map<string, FleetRow>();
  complete = false;
  total: number | null = null;
  readonly #options: FleetOptions;
  readonly #socket: LiveSocket;
  /** Rows of an earlier connection that this one has not told yet; those that remain at the end are gone. */
  #untold = new Set<string>();
  #serverAheadMs: number | null = null;
  #firstFrame = true;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#socket = new LiveSocket(
      { path: paths.fleet, deviceId: null, onConnect: this.#onConnect },
      options,
      this.#onText,
    );
  }

  get status() {
    return this.#socket.status;
  }

  get clockOffsetMs(): number | null {
    const { clock } = this.#socket;
    return this.#serverAheadMs === null ? null : this.#serverAheadMs + clock.monotonicMs() - clock.now();
  }

  close(): void {
    this.#socket.close();
  }

  readonly #onConnect = (): void => {
    this.#untold = new Set(this.rows.keys());
    this.#firstFrame = true;
  };

  readonly #onText = (text: string): void => {
    const frame = parseObject(text);
    if (frame?.type === "beat") this.#socket.heardBeat();
    if (frame === undefined || !isFleetFrame(frame)) {
      // Frames of kinds that this version does not know are for later ones.
      if (typeof frame?.type === "string" && !kinds.has(frame.type)) return;
      this.#socket.report("malformed_frame", "The frame is not one of the fleet stream.");
      return;
    }
    this.#learnTime(frame.server_time_ms);
    const changedIds = frame.type === "removed" ? frame.device_ids : frame.devices.map(({ id }) => id);
    for (const id of changedIds) this.#untold.delete(id);
    if (frame.type === "removed") for (const id of frame.device_ids) this.rows.delete(id);
    else for (const row of frame.devices) this.rows.set(row.id, row);

    if (frame.type === "fleet") this.total = frame.total ?? null;
    const isWhole = frame.type === "fleet" && !frame.more;
    const goneIds = isWhole ? [...this.#untold] : [];
    for (const id of goneIds) this.rows.delete(id);
    this.complete ||= isWhole;
    this.#options.onChange?.([...changedIds, ...goneIds]);
  };

  /**
   * A frame that was held up on its way makes the server look behind, never ahead; so the best of a connection's frames is kept,
   * against a clock that does not jump. The other way round, old values would look fresh.
   */
  #learnTime(serverTimeMs: number): void {
    const aheadMs = serverTimeMs - this.#socket.clock.monotonicMs();
    this.#serverAheadMs = this.#firstFrame ? aheadMs : Math.max(aheadMs, this.#serverAheadMs ?? aheadMs);
    this.#firstFrame = false;
  }
}

const kinds = new Set(["fleet", "changed", "removed"]);

function isFleetFrame(frame: Readonly<Record<string, unknown>>): frame is FleetFrame {
  const { type, server_time_ms: serverTimeMs, devices, device_ids: ids } = frame;
  if (typeof serverTimeMs !== "number") return false;
  if (type === "removed") return Array.isArray(ids) && ids.every((id) => typeof id === "string");
  const hasRows = Array.isArray(devices) && devices.every((row) => typeof row?.id === "string");
  return (type === "fleet" || type === "changed") && hasRows;
}
