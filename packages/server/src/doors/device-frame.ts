import { type DeviceFrame, type Refusal, refuse } from "@wattboard/protocol";
import { deviceFrameValidator } from "@wattboard/protocol/validate";

/**
 * What a device that speaks `wattboard.v1` sent beside telemetry, or what is wrong with it; null where it is telemetry, which the gatekeeper
 * judges. A frame with a `type` and no `device_id` belongs to the subprotocol: telemetry may have a point of that name.
 */
export function readDeviceFrame(text: Buffer): DeviceFrame | Refusal | null {
  // Most frames are telemetry without the word, and are not parsed twice.
  if (!text.includes('"type"')) return null;
  let frame: unknown;
  try {
    frame = JSON.parse(text.toString());
  } catch {
    return null;
  }
  if (typeof frame !== "object" || frame === null || !("type" in frame) || "device_id" in frame) return null;
  if (deviceFrameValidator.check(frame)) return frame;
  const { path, message } = deviceFrameValidator.explain(frame);
  return refuse("invalid_frame", `${path === "" ? "It" : path} ${message}.`);
}
