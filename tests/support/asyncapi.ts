import { readFileSync } from "node:fs";
import { Ajv } from "ajv";

export interface AsyncApiMessage {
  readonly summary: string;
  readonly payload: Schema;
  readonly examples: readonly { readonly summary: string; readonly payload: Record<string, unknown> }[];
}

type Schema = Readonly<Record<string, unknown>>;
type Direction = "send" | "receive";

interface Document {
  readonly channels: Readonly<Record<string, { readonly messages: Readonly<Record<string, AsyncApiMessage>> }>>;
  readonly operations: Readonly<Record<string, { readonly action: Direction }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export const asyncApiText = readFileSync(new URL("../../docs/reference/asyncapi.json", import.meta.url), "utf8");
export const asyncApiDocument = JSON.parse(asyncApiText) as Document;

/** All messages of the document, as `channel.message`. */
export const asyncApiMessages: ReadonlyMap<string, AsyncApiMessage> = new Map(
  Object.entries(asyncApiDocument.channels).flatMap(([channel, { messages }]) =>
    Object.entries(messages).map(([name, message]) => [`${channel}.${name}`, message] as const),
  ),
);

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: false });
ajv.addSchema(asyncApiDocument, "asyncapi");
ajv.addSchema(closed(asyncApiDocument) as object, "closed");

/** What is wrong with a payload of that message, or null. `isClosed`: a member that the document does not tell is wrong. */
export function faultOf(message: string, payload: unknown, isClosed = false): string | null {
  const [channel, name] = message.split(".");
  const at = `/channels/${channel}/messages/${name}/payload`;
  const judge =
    ajv.getSchema(`${isClosed ? "closed" : "asyncapi"}#${at}`) ??
    ajv.compile({ $ref: `${isClosed ? "closed" : "asyncapi"}#${at}` });
  return judge(payload) === true ? null : ajv.errorsText(judge.errors);
}

/** Which messages of the channel a frame is, as the document has them. */
export function messagesOf(channel: string, action: Direction, frame: unknown): string[] {
  return [...asyncApiMessages.keys()].filter(
    (name) =>
      name.startsWith(`${channel}.`) &&
      asyncApiDocument.operations[name]?.action === action &&
      faultOf(name, frame, true) === null,
  );
}

/** The schema without room for members that it does not tell; samples have room for points of a device's own, and rows of SMART-OS too. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== "object" || node === null || "allOf" in node) return node;
  const copy = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === "Telemetry" || key.startsWith("smartOs") ? value : closed(value),
    ]),
  );
  const isObject = copy.type === "object" && Object.keys(copy.properties ?? {}).length > 0;
  return isObject ? { additionalProperties: false, ...copy } : copy;
}
