import type { CommandBody, CommandFrame, Telemetry } from "@wattboard/protocol";
import { paths, subprotocol } from "@wattboard/protocol/constants";
import { LiveSocket } from "./live-socket.ts";
import { parseObject } from "./parse-object.ts";
import type { Stream, StreamOptions } from "./stream.ts";

export interface TelemetryOptions extends StreamOptions {
  /**
   * Told the latest sample on each connect, and then every sample; `text` is the frame as the device sent it. Units are V, A, W, Hz, %,
   * °C; a section or value that the device does not have is left out. A sample may be old, if the device is offline: look at `timestamp`.
   */
  readonly onTelemetry?: (telemetry: Telemetry, text: string) => void;
  /** Told each step of the device's commands, with the whole command as it is then. What was before is asked of the API. */
  readonly onCommand?: (command: CommandBody) => void;
}

/**
 * Listens to one device. Returns at once with status `CONNECTING`; callbacks come in later turns. Call `close` when done.
 *
 * An unknown device, or one that you may not see, is refused by the server; a browser shows that as an unreachable server does, so it
 * is told as `unreachable` and tried again, less and less often (at most every 30 s).
 */
export function connectTelemetry(deviceId: string, options: TelemetryOptions = {}): Stream {
  const { onTelemetry, onCommand } = options;
  const onText = (text: string): void => {
    const frame = parseObject(text);
    if (frame?.device_id === deviceId) onTelemetry?.(frame as Telemetry, text);
    else if (isCommandFrame(frame) && onCommand !== undefined) onCommand(frame.command);
    // Frames of kinds that this version does not know are for later ones.
    else if (typeof frame?.type !== "string" || onCommand === undefined) {
      socket.report("malformed_frame", `The frame is not a telemetry message of ${deviceId}.`);
    }
  };
  const socket: LiveSocket = new LiveSocket(paths.dashboard + encodeURIComponent(deviceId), options, onText, {
    protocol: onCommand === undefined ? undefined : subprotocol,
  });
  return socket;
}

/** Of a command's parts, the server's word is taken. */
function isCommandFrame(frame: object | undefined): frame is CommandFrame {
  return frame !== undefined && "type" in frame && frame.type === "command";
}
