import {
  ackSchema,
  backfilledSchema,
  backfillSchema,
  beatSchema,
  closeCodeRanges,
  commandResultSchema,
  commandSchema,
  deadlineSchema,
  defaultUrl,
  disconnects,
  gapSchema,
  helloSchema,
  limits,
  paceSchema,
  paths,
  peersSchema,
  presenceSchema,
  refusals,
  refusedSchema,
  smartOsPaths,
  streamWelcomeSchema,
  subprotocol,
  telemetrySchema,
  tokenSchema,
  tokenStoredSchema,
  valueFaults,
  webSocketUrl,
  welcomeSchema,
} from "@wattboard/protocol";
import { settings } from "wattboard";
import { nothingLost } from "./journal-reference.ts";
import { code, table } from "./markdown.ts";

/** The wire contract, so that the author of a device or of a dashboard needs no other page. */
export function wire(): string {
  return `# Wire reference
${doors()}
## Close codes

${table(
  ["Code", code(subprotocol), "Reason", "Meaning", "Reconnect"],
  Object.values(disconnects).map((each) => [
    String(each.code),
    "v1Code" in each ? String(each.v1Code) : "",
    each.reason === "" ? "" : code(each.reason),
    each.meaning,
    each.reconnect,
  ]),
)}

\`later\` is 30 to 60 seconds. Who speaks ${code(subprotocol)} gets the code of the second column, where there is one, and need not compare reasons: ${closeCodeRanges
    .map(({ from, to, reconnect }) => `${from} to ${to}: ${reconnect}`)
    .join("; ")}. That holds for codes that are still to come.

## Refusals

With a status: the answer to a handshake or a request, as a problem document (RFC 9457). Without: a telemetry message that is dropped,
counted as \`wattboard_samples_total{result="…"}\`, logged, and shown on the device's page, while the link lives on unless the message says otherwise;
a device that speaks \`wattboard.v1\` is told (\`refused\`).

${table(
  ["Code", "Status", "Message"],
  Object.entries(refusals).map(([name, each]) => [
    code(name),
    "status" in each ? String(each.status) : "",
    each.message,
  ]),
)}

## Values

A message is judged value by value. What cannot be kept is left out, counted and shown on the device's page, and an event once it lasts a minute (what cannot be believed
is one at once); the rest goes on without it. Text that is a number counts as one where the catalogue wants a number; codes of errors may be numbers; \`null\` and \`[]\` say that there is no
value; a flat list of up to ${limits.listNumbersMax} numbers becomes the points \`name_1\`, \`name_2\`, …; other words of state and mode are kept and shown. A message from which something was left
out, or in which a value was read as another kind, goes on to dashboards and store as it was read; all others byte for byte. Refused whole is what is no JSON object, says another device's
id, or holds nothing that can be kept.

${table(
  ["Fault", "The value is", "Meaning"],
  Object.entries(valueFaults).map(([name, { isKept, message }]) => [
    code(name),
    isKept ? "kept, marked" : "left out",
    message,
  ]),
)}

The time may be RFC 3339, or as people send it: \`+0000\`, \`+00\`, a comma, a blank, no seconds, 24 o'clock, RFC 2822, or seconds, milliseconds, microseconds or nanoseconds since 1970 as number or
text. One without an offset is read as UTC, and marked; without one that can be read a sample is filed under its receipt, and marked.

## Limits

${table(
  ["Limit", "Default"],
  Object.entries(limits).map(([name, value]) => [code(name), value.toLocaleString("en-US")]),
)}

## Telemetry, device to server

\`\`\`json
${JSON.stringify(telemetrySchema, null, 2)}
\`\`\`

## The subprotocol ${code(subprotocol)}

A client that offers ${code(subprotocol)} in \`Sec-WebSocket-Protocol\` gets more than the plain doors give; a plain one sees none of it. A reader
ignores frames whose \`type\` it does not know: there will be more.

On the **device door** the frames below travel beside telemetry and commands. A frame of the device belongs to the subprotocol if it has a
\`type\` and no \`device_id\`. The frames of the **dashboard door** are described at the end, those of the **fleet door** come as ever, with a \`beat\` every 10 s.

The answer to ${code("peers")} is ${code('{"type":"peers","device_ids":[…]}')}, with a ${code("reason")} where there are none; then comes
${code('{"type":"peer","telemetry":{…}}')} with the newest sample of each of them, as it was sent, at most once a second. It takes the setting
${code("access.peers")} and the device's property ${code("peers")}, ${code("site")} or ${code("owner")}, from an administrator; at most ${limits.peersMax} peers.

A device whose token is rotated keeps both for some time. Whether the new one comes over its link is the device's choice: ${code("takes_tokens")} in its hello. A device that does not say so gets no frame of it, and notices nothing.
One that does:

1. gets ${code("token")}, at once or with a later link, as long as the token with which it came still holds;
2. stores it, so that it survives a power failure, and only then answers ${code("token_stored")} with its ${code("token_id")}; a token that comes again is answered again, and one that cannot be stored is not answered;
3. is closed with 4001, comes soon, and with the new token. That the server has seen it with the new token is what ends the one before: at each moment the device holds one that is valid;
4. keeps the token that it was set up with as well, and comes with that where the stored one is answered with 403.

${[
  welcomeSchema,
  helloSchema,
  ackSchema,
  paceSchema,
  backfillSchema,
  gapSchema,
  deadlineSchema,
  commandResultSchema,
  peersSchema,
  tokenSchema,
  tokenStoredSchema,
  refusedSchema,
]
  .map(frameOf)
  .join("\n\n")}

${nothingLost()}
## The subprotocol ${code(subprotocol)} on the dashboard door

Every frame but \`welcome\` and \`beat\` has its place in the device's stream as its first two members: \`{"epoch":…,"offset":…,\` and then the frame. Before those of a sample stands a third one, \`"received_at_ms":…,\`, when
the server received it; what follows is byte for byte what a plain client gets. Frames without a \`type\` are samples; a sample may have a point called \`type\`, or members of these names of its own behind them. Each \`offset\` is one more
than the one before it. Who remembers the place of the last frame that it has, and comes back with ${code(`${paths.dashboard}{device_id}?epoch=…&offset=…`)}, gets what it has missed, in order and once, and then
what comes: \`recovered: true\`. For that the frames of the last 60 s are kept, at most 300 and at most half of \`outbox.bytes\`, of each device that somebody watches in this way, or did within the last 60 s;
of all devices at most \`outbox.resume_bytes\`. A place that is not kept any more, or is none, means \`recovered: false\`: the newest sample follows at the place of the last frame, and what lies between
is read from \`GET /api/v1/devices/{id}/samples\`, where a sample is known again by \`received_at\`. A restart of the server begins another stream.

A link on which nothing has come for 25 s, though there were beats before, is dead: end it and connect anew. On the **fleet door** the states of devices may skip to the newest, so who comes back to it needs no place:
it gets the whole fleet as it is.

\`{"type":"command","command":{…}}\` comes with each step of one of the device's commands; the inner object is the body of
\`GET /api/v1/devices/{id}/commands/{command_id}\`.

${[streamWelcomeSchema, beatSchema, presenceSchema, backfilledSchema].map(frameOf).join("\n\n")}

## Commands, server to device

\`\`\`json
${JSON.stringify(commandSchema, null, 2)}
\`\`\`
`;
}

function frameOf(schema: { readonly properties: { readonly type: { readonly const: string } } }): string {
  return `### ${schema.properties.type.const}\n\n\`\`\`json\n${JSON.stringify(schema, null, 2)}\n\`\`\``;
}

/** Where to knock, with what, and what comes then. `tests/conformance/world/wire-page.test.ts` connects with nothing but this. */
function doors(): string {
  const seconds = (key: string): string =>
    `${Number(settings.find((each) => each.key === key)?.schema.default) / 1_000} s`;
  const host = new URL(defaultUrl).host;
  const refused = (...codes: (keyof typeof refusals)[]): string =>
    codes
      .map((each) => [refusals[each], code(each)] as const)
      .map(([listed, name]) => `${"status" in listed ? listed.status : ""} ${name}`)
      .join(", ");
  return `
## Doors

WebSockets (RFC 6455, version 13). A server that was started with its defaults listens at ${code(webSocketUrl(defaultUrl, ""))}; beyond loopback it is ${code("wss://")}.

${table(
  ["Address", "Who speaks", "Who may come in", "Else, before the upgrade"],
  [
    [
      code(`${paths.device}{device_id}`),
      "The device: telemetry, one JSON message a text frame. The server: commands, seldom",
      `${code("Authorization: Bearer <the device's token>")} in the handshake, nowhere else; ${code("wattboard device add")} prints it`,
      refused("forbidden", "contested", "too_many_sockets", "too_many_connects", "server_full", "stopping"),
    ],
    [
      code(`${paths.dashboard}{device_id}`),
      "The server: the latest sample at once, then each as the device sent it. What a client sends is ignored",
      `Where ${code("access.dashboards")} is ${code("public")} anybody; else ${code("Authorization: Bearer <API token>")}, or a browser that is signed in. A browser's page must come from the server itself or from ${code("access.origins")}`,
      refused(
        "forbidden",
        "cross_origin",
        "unknown_device",
        "not_found",
        "too_many_sockets",
        "server_full",
        "stopping",
      ),
    ],
    [
      code(paths.fleet),
      `The server: all devices that one may see, coalesced ([its frames](asyncapi.json))`,
      "As above",
      "As above",
    ],
    [
      `${code(smartOsPaths.update)}, ${code(smartOsPaths.client)}`,
      "[SMART-OS](smart-os.md)",
      code("smart_os.access"),
      refused("not_found", "forbidden"),
    ],
  ],
)}

- **device_id**: 1 to ${limits.deviceIdLengthMax} of ${code("A-Z a-z 0-9 _ . -")}, first a letter or digit. An id that nobody has and a wrong token get the same 403.
- **An answer that is no upgrade** is a problem document (RFC 9457) with ${code("code")} and ${code("detail")}. With ${code("Retry-After")} (429, 503) come again after so many seconds; after 403 hurry does not help.
  A secret in the address is refused (${code("token_in_url")}); a plain request gets ${refused("upgrade_required")}.
- **Frames**: text, UTF-8, at most ${limits.frameBytesMax.toLocaleString("en-US")} bytes a message, no compression. ${limits.messagesPerSecond} messages a second after ${limits.messagesBurst.toLocaleString("en-US")} at once; the rest is dropped.
- **Ping and pong**: the server pings every ${seconds("heartbeat.ping_ms")}, and cuts who does not answer with a pong within ${seconds("heartbeat.pong_ms")}; WebSocket libraries do it by themselves. Who has heard nothing for a minute,
  not even a ping, should connect anew. A client may ping as well.
- **One device, one connection**: a newer one closes the older (1008 ${code(disconnects.replaced.reason)}).
- **Time**: ${code("timestamp")} is when the values were measured, with an offset: ${code("2026-01-31T12:00:01Z")}. The server keeps its own time of receipt beside it, and does not believe a clock that is far off or stands still. A device
  without a clock takes the server's from the header ${code("Date")} of ${code("GET /livez")}, or from ${code("server_time")} of ${code("welcome")} (below).

The least message is an id, a time, and one value in one of the sections:

\`\`\`json
{"device_id":"ems_001","timestamp":"2026-01-31T12:00:01Z","battery":{"soc":85}}
\`\`\`

A whole exchange, by the bytes of the handshake:

\`\`\`http
GET ${paths.device}ems_001 HTTP/1.1
Host: ${host}
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Authorization: Bearer wb_…

HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
\`\`\`

\`\`\`
device → server   {"device_id":"ems_001","timestamp":"2026-01-31T12:00:01Z","battery":{"soc":85}}
server → device   {"command_id":"cmd_8293","action":"SET_MODE","payload":{"target_mode":"MANUAL_DISCHARGE","target_power":500}}
device → server   {"device_id":"ems_001","timestamp":"2026-01-31T12:00:02Z","system_status":{"mode":"MANUAL"},"battery":{"soc":85,"power":-500}}
server → device   close 1012 restarting
\`\`\`

Nothing else comes to a plain client: no answer to a sample, no greeting. What is refused, why, and much more is told to who offers ${code(subprotocol)}.
`;
}
