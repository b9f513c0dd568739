import { commandSchema } from "../command.ts";
import { deviceCommandSchema } from "../command-api.ts";
import { deviceIdPattern } from "../device-id.ts";
import { fleetRowSchema } from "../fleet-frames.ts";
import { defaultUrl, subprotocol } from "../paths.ts";
import { telemetrySchema } from "../telemetry.ts";
import { deviceDoor } from "./device-door.ts";
import { type DoorSpec, type MessageSpec, securitySchemes } from "./door-spec.ts";
import { clientDoor, updateDoor } from "./smart-os-doors.ts";
import { dashboardDoor, fleetDoor } from "./viewer-doors.ts";

const doors: Readonly<Record<string, DoorSpec>> = {
  device: deviceDoor,
  dashboard: dashboardDoor,
  fleet: fleetDoor,
  smartOsDevice: updateDoor,
  smartOsClient: clientDoor,
};

/** Schemas that stand in several messages, or are long: once, under their names. */
const shared: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [telemetrySchema, "Telemetry"],
  [commandSchema, "Command"],
  [deviceCommandSchema, "CommandRecord"],
  [fleetRowSchema, "FleetRow"],
]);

/**
 * The contract of all WebSocket doors as an AsyncAPI 3.0 document, made from the schemas that the server judges frames with. It describes the
 * server: it sends what operations of the action `send` say. `basePath`: under which path everything is served.
 */
export function asyncApi(basePath = ""): object {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Wattboard",
      version: "1.0.0",
      description: `The WebSockets of a Wattboard server: text frames, each a JSON object. A message that is marked \`${subprotocol}\` travels on links alone whose client has offered that in \`Sec-WebSocket-Protocol\`. A reader ignores frames and members that it does not know. Close codes, refusals, and how a device loses nothing: docs/reference/wire.md. Everything else: the OpenAPI document at \`/api/v1/openapi.json\`.`,
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: serversAt(basePath),
    channels: Object.fromEntries(Object.entries(doors).map(([name, door]) => [name, channelOf(door)])),
    operations: Object.fromEntries(Object.entries(doors).flatMap(([name, door]) => operationsOf(name, door))),
    components: {
      schemas: Object.fromEntries([...shared].map(([schema, name]) => [name, contentOf(schema)])),
      securitySchemes,
      parameters: {
        device_id: { description: `The device's id: ${deviceIdPattern.source}`, examples: ["ems_001"] },
      },
      tags: { subprotocol: { name: subprotocol, description: "Only on links that have agreed on it" } },
    },
  };
}

function serversAt(pathname: string): object {
  const rest = pathname === "" ? {} : { pathname };
  return {
    local: {
      host: defaultUrl.replace("http://", ""),
      protocol: "ws",
      description: "With its defaults, on the same machine",
      ...rest,
    },
    public: {
      host: "{host}",
      protocol: "wss",
      description: "Beyond loopback",
      variables: { host: { description: "Name, and port where it is not 443", default: "wattboard.example.org" } },
      ...rest,
    },
  };
}

function channelOf({ address, title, description, query, messages }: DoorSpec): object {
  return {
    address,
    title,
    description,
    ...(address.includes("{device_id}") && {
      parameters: { device_id: { $ref: "#/components/parameters/device_id" } },
    }),
    messages: Object.fromEntries(
      Object.entries(messages).map(([name, message]) => [name, describeMessage(name, message)]),
    ),
    bindings: {
      ws: { method: "GET", ...(query !== undefined && { query: { type: "object", properties: query } }) },
    },
  };
}

function describeMessage(name: string, { payload, isOfSubprotocol = false, examples, ...rest }: MessageSpec): object {
  return {
    name,
    summary: summaryOf({ payload, ...rest }),
    ...(isOfSubprotocol && { tags: [{ $ref: "#/components/tags/subprotocol" }] }),
    payload: referring(payload),
    examples: Object.entries(examples).map(([summary, example]) => ({ summary, payload: example })),
  };
}

function summaryOf({ summary, payload }: Pick<MessageSpec, "summary" | "payload">): string {
  return summary ?? ("description" in payload ? String(payload.description) : "");
}

function operationsOf(door: string, { messages, security }: DoorSpec): [string, object][] {
  const refTo = (message: string): object => ({ $ref: `#/channels/${door}/messages/${message}` });
  return Object.entries(messages).map(([name, { from, replies, ...message }]) => [
    `${door}.${name}`,
    {
      action: from === "server" ? "send" : "receive",
      channel: { $ref: `#/channels/${door}` },
      summary: summaryOf(message),
      messages: [refTo(name)],
      security: security.map((scheme) => ({ $ref: `#/components/securitySchemes/${scheme}` })),
      ...(replies !== undefined && {
        reply: { channel: { $ref: `#/channels/${door}` }, messages: replies.map(refTo) },
      }),
    },
  ]);
}

/** The schema, in which those that are shared are told by their names. */
function referring(node: unknown): unknown {
  const name = shared.get(node);
  return name === undefined ? contentOf(node) : { $ref: `#/components/schemas/${name}` };
}

function contentOf(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(referring);
  if (typeof node !== "object" || node === null) return node;
  // An id would be taken for an address that references start from.
  return Object.fromEntries(
    Object.entries(node).flatMap(([key, value]) => (key === "$id" ? [] : [[key, referring(value)]])),
  );
}
