import type { BackfilledFrame, CommandBody, Telemetry } from "@wattboard/protocol";
import { paths } from "@wattboard/protocol/constants";
import { LiveSocket } from "./live-socket.ts";
import { parseObject } from "./parse-object.ts";
import {
  type FilledStream,
  type SampleOptions,
  type SampleOrigin,
  type Samples,
  samplesAsTheyCome,
} from "./samples.ts";
import type { Stream, StreamOptions } from "./stream.ts";

export interface TelemetryOptions extends StreamOptions, SampleOptions {
  /** Reads what was missed from the history: `fillFromHistory` of `@wattboard/client/history`, in Node unless told otherwise. Without it, gaps are told alone. */
  readonly fill?: ((stream: FilledStream) => Samples) | undefined;
  /** Told each step of the device's commands, with the whole command as it is then. What was before is asked of the API. */
  readonly onCommand?: (command: CommandBody) => void;
  /** Told whether the device is connected, at first and with each change. */
  readonly onPresence?: (online: boolean) => void;
  /** Told that samples of before were stored only now: charts of that time are to be read anew. */
  readonly onBackfilled?: (span: Pick<BackfilledFrame, "from" | "to" | "samples">) => void;
}

/**
 * Listens to one device. Returns at once with status `CONNECTING`; callbacks come in later turns. Call `close` when done. After a lost connection it
 * goes on where it was.
 *
 * An unknown device, or one that you may not see, is told as `refused` and tried again, less and less often (at most every 30 s).
 * @throws TypeError where a page gives a `token`
 */
export function connectTelemetry(deviceId: string, options: TelemetryOptions = {}): Stream {
  return new LiveTelemetry(deviceId, options);
}

/** The place of a frame, which stands before the members of the frame itself: a device may have sent members of these names as well. */
const placePattern = /^\{"epoch":(\d+),"offset":(\d+),(?:"received_at_ms":(\d+),)?/;

class LiveTelemetry implements Stream {
  readonly #deviceId: string;
  readonly #options: TelemetryOptions;
  readonly #socket: LiveSocket;
  readonly #samples: Samples;
  /** Of the last frame, or of the welcome that goes before the next; empty where the server has not said. */
  #query = "";
  #offset = 0;
  /** Of the next sample. */
  #origin: SampleOrigin = "latest";

  constructor(deviceId: string, options: TelemetryOptions) {
    this.#deviceId = deviceId;
    this.#options = options;
    const path = paths.dashboard + encodeURIComponent(deviceId);
    this.#socket = new LiveSocket(
      { path, deviceId, query: () => this.#query, onConnect: this.#onConnect },
      options,
      this.#onText,
    );
    const { address, clock } = this.#socket;
    this.#samples = (options.fill ?? samplesAsTheyCome)({ ...options, address, clock });
  }

  get status() {
    return this.#socket.status;
  }

  close(): void {
    this.#samples.close();
    this.#socket.close();
  }

  readonly #onConnect = (): void => {
    // Until the server says that it goes on where we were.
    this.#origin = "latest";
  };

  readonly #onText = (text: string): void => {
    const place = placePattern.exec(text);
    const message = place === null ? text : `{${text.slice(place[0].length)}`;
    const frame = parseObject(message);
    if (place !== null) {
      const offset = Number(place[2]);
      if (offset <= this.#offset) return;
      if (offset > this.#offset + 1 && this.#query !== "") {
        // The server has what is missing.
        this.#socket.end("A frame is missing.");
        return;
      }
      this.#goTo(place[1], offset);
    }
    if (frame?.device_id === this.#deviceId) {
      const info = { origin: this.#origin, receivedAtMs: place?.[3] === undefined ? null : Number(place[3]) };
      this.#origin = "live";
      this.#samples.take({ telemetry: frame as Telemetry, text: message, info });
    } else if (typeof frame?.type === "string") this.#takeFrame(frame);
    else this.#socket.report("malformed_frame", `The frame is not a telemetry message of ${this.#deviceId}.`);
  };

  /** Of a frame's parts, the server's word is taken. Frames of kinds that this version does not know are for later ones. */
  #takeFrame(frame: Readonly<Record<string, unknown>>): void {
    const { onCommand, onPresence, onBackfilled } = this.#options;
    if (frame.type === "beat") this.#socket.heardBeat();
    else if (frame.type === "command") onCommand?.(frame.command as CommandBody);
    else if (frame.type === "presence") onPresence?.(frame.online === true);
    else if (frame.type === "backfilled") onBackfilled?.(frame as BackfilledFrame);
    else if (frame.type === "welcome" && frame.recovered === true) this.#origin = "live";
    else if (frame.type === "welcome") {
      this.#goTo(frame.epoch, Number(frame.offset));
      onPresence?.(frame.online === true);
    }
  }

  #goTo(epoch: unknown, offset: number): void {
    this.#offset = offset;
    this.#query = `?epoch=${epoch}&offset=${offset}`;
  }
}
