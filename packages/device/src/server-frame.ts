import type {
  AckFrame,
  Command,
  Deadline,
  PaceFrame,
  PeersFrame,
  Refused,
  TokenFrame,
  Welcome,
} from "@wattboard/protocol";
import { commandValidator } from "@wattboard/protocol/validate";
import type { PeerSample } from "./peer-inbox.ts";

/** What the server said in one frame. */
export type ServerFrame =
  | { readonly type: "command"; readonly command: Command }
  | { readonly type: "peer"; readonly telemetry: PeerSample }
  | PeersFrame
  | Welcome
  | AckFrame
  | PaceFrame
  | Deadline
  | Refused
  | TokenFrame
  /** Of a kind that this version does not know; it is for later ones. */
  | { readonly type: "unknown" }
  /** No frame at all. `commandId`: it has the id of a command. */
  | { readonly type: "malformed"; readonly why: string; readonly commandId: string | undefined };

const unknown: ServerFrame = { type: "unknown" };

/** Reads a frame of the device door; `text` is null where it is binary. */
export function readServerFrame(text: string | null): ServerFrame {
  if (text === null) return { type: "malformed", why: "it is binary", commandId: undefined };
  const frame = parseJson(text);
  if (commandValidator.check(frame)) return { type: "command", command: frame };
  if (!hasType(frame)) {
    const id = (frame as { command_id?: unknown } | null | undefined)?.command_id;
    return { type: "malformed", why: whyNoCommand(frame), commandId: typeof id === "string" ? id : undefined };
  }
  switch (frame.type) {
    case "peer":
      return isTelemetry(frame.telemetry) ? { type: "peer", telemetry: frame.telemetry } : unknown;
    case "peers":
      return isPeers(frame) ? frame : unknown;
    case "welcome":
      return isWelcome(frame) ? frame : unknown;
    case "ack":
      return isAck(frame) ? frame : unknown;
    case "pace":
      return isPace(frame) ? frame : unknown;
    case "deadline":
      return isDeadline(frame) ? frame : unknown;
    case "token":
      return isToken(frame) ? frame : unknown;
    case "refused":
      return isRefused(frame) ? frame : unknown;
    default:
      return unknown;
  }
}

type Unread = { readonly type: string } & Readonly<Record<string, unknown>>;

function hasType(frame: unknown): frame is Unread {
  return typeof frame === "object" && frame !== null && "type" in frame && typeof frame.type === "string";
}

function isPeers(frame: object): frame is PeersFrame {
  return "device_ids" in frame && Array.isArray(frame.device_ids);
}

function isWelcome(frame: Unread): frame is Welcome & Unread {
  if (typeof frame.server_time !== "string") return false;
  if (frame.journal_id === undefined) return true;
  const { pace, limits } = frame as Partial<Record<string, Unread>>;
  return (
    Number.isSafeInteger(frame.epoch) &&
    (frame.durable_seq === undefined || isSeq(frame.durable_seq)) &&
    isRanges(frame.durable_ranges) &&
    (pace === undefined || isRate(pace?.backfill)) &&
    (limits === undefined || isSeq(limits?.frame_bytes))
  );
}

function isAck(frame: Unread): frame is AckFrame & Unread {
  return isSeq(frame.seq) && isRanges(frame.ranges);
}

function isPace(frame: Unread): frame is PaceFrame & Unread {
  return isRate(frame.backfill);
}

function isRanges(value: unknown): boolean {
  return (
    value === undefined ||
    (Array.isArray(value) && value.every((range) => Array.isArray(range) && range.length === 2 && range.every(isSeq)))
  );
}

function isSeq(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRate(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0;
}

function isDeadline(frame: object): frame is Deadline {
  return "expires_at" in frame && typeof frame.expires_at === "string";
}

function isRefused(frame: object): frame is Refused {
  return "message" in frame && typeof frame.message === "string" && "count" in frame && typeof frame.count === "number";
}

function isToken(frame: Unread): frame is TokenFrame & Unread {
  // What does not fit into a header could not be come with.
  return typeof frame.token_id === "string" && typeof frame.token === "string" && /^[\x21-\x7e]+$/.test(frame.token);
}

function isTelemetry(value: unknown): value is PeerSample {
  return typeof value === "object" && value !== null && "device_id" in value;
}

function whyNoCommand(frame: unknown): string {
  if (frame === undefined) return "it is not a JSON text";
  const { path, message } = commandValidator.explain(frame);
  return `${path || "it"} ${message}`;
}

/** Undefined where the text is not JSON; JSON has no undefined of its own. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
