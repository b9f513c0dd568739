import { isDeviceId, type SmartOsType, smartOsTypes } from "@wattboard/protocol";
import { textFrame } from "../../link/frame.ts";
import { PythonSyntaxError, parsePythonLiteral } from "./python-literal.ts";

/** A message with its capping identificator, `MMMM:SSSS:{…}`, as far as it says from whom it is: the body has not been read. */
export interface UnreadMessage {
  readonly type: SmartOsType;
  /** `MMMM:SSSS`, as it came; answers begin with it. */
  readonly header: string;
  readonly serial: string;
  readonly body: string;
  /** Whether the envelope is JSON. */
  readonly isJson: boolean;
}

export interface SmartOsMessage extends Omit<UnreadMessage, "body"> {
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether a web client could read the frame as it came: an envelope and a body in JSON. */
  readonly isJson: boolean;
}

export interface MessageFault {
  /** `MMMM:SSSS`, where that much could be read. */
  readonly header: string | null;
  readonly fault: string;
}

interface Envelope {
  readonly type: unknown;
  readonly message: unknown;
  readonly isJson: boolean;
}

/** Digits of a message id; SMART-OS used four. */
const headerPattern = /^(\d{1,16}):([^:]{1,64}):/;

/**
 * Reads from whom a device's frame is: `{"type": …, "message": "MMMM:SSSS:{…}"}`, where the envelope and the body may be JSON or Python dicts, or
 * only the inner text, quoted or not, which then counts as an update. The body is for `readBody`, once it is known that the device may come in.
 */
export function readEnvelope(frame: string): UnreadMessage | MessageFault {
  const envelope = openEnvelope(frame.trim());
  if (typeof envelope === "string") return { header: null, fault: envelope };
  const { type, message } = envelope;
  if (typeof message !== "string") return { header: null, fault: 'message must be a text such as "0001:1234:{…}"' };
  const found = headerPattern.exec(message);
  const [whole = "", messageId = "", serial = ""] = found ?? [];
  if (!isDeviceId(serial)) {
    return { header: null, fault: 'message must begin with the message id and the serial number: "0001:1234:{…}"' };
  }
  const header = `${messageId}:${serial}`;
  if (!smartOsTypes.some((each) => each === type)) {
    return { header, fault: `type must be one of ${smartOsTypes.join(", ")}` };
  }
  return { type: type as SmartOsType, header, serial, body: message.slice(whole.length), isJson: envelope.isJson };
}

export function readBody(message: UnreadMessage): SmartOsMessage | MessageFault {
  const { header } = message;
  const read = readLiteral(message.body);
  if (typeof read === "string") return { header, fault: `the body is no dict: ${read}` };
  if (!isDict(read.value)) return { header, fault: "the body is no dict" };
  return { ...message, body: read.value, isJson: message.isJson && read.isJson };
}

/** A frame to a peer, framed already. The blanks are Python's, as the documents show it. */
export function smartOsFrame(type: SmartOsType, message: string): Buffer {
  return textFrame(Buffer.from(`{"type": "${type}", "message": ${JSON.stringify(message)}}`));
}

/** An object and no list. */
export function isDict(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The envelope, or what is wrong with it. */
function openEnvelope(text: string): Envelope | string {
  const first = text[0];
  if (first !== "{" && first !== '"' && first !== "'") return { type: "UPDT", message: text, isJson: false };
  const read = readLiteral(text);
  if (typeof read === "string") return `the frame is neither JSON nor a Python dict: ${read}`;
  const { value, isJson } = read;
  if (typeof value === "string") return { type: "UPDT", message: value, isJson: false };
  return isDict(value) ? { type: value.type, message: value.message, isJson } : "the frame is no dict";
}

/** JSON, or else a Python literal; or what is wrong with it as such. */
function readLiteral(text: string): { readonly value: unknown; readonly isJson: boolean } | string {
  try {
    return { value: JSON.parse(text), isJson: true };
  } catch {
    // Then it may be what Python's str() wrote.
  }
  try {
    return { value: parsePythonLiteral(text), isJson: false };
  } catch (error) {
    if (error instanceof PythonSyntaxError) return error.message;
    throw error;
  }
}
