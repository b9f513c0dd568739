// Writes docs/reference from the tables in the code; with --check it fails where a page is stale.
import { readFileSync, writeFileSync } from "node:fs";
import {
  commandActions,
  commandResultSchema,
  commandSchema,
  commandStatuses,
  deadlineSchema,
  disconnects,
  helloSchema,
  limits,
  points,
  refusals,
  subprotocol,
  telemetrySchema,
  welcomeSchema,
} from "@wattboard/protocol";
import { settings } from "wattboard";

const folder = new URL("../docs/reference/", import.meta.url);
const note = "<!-- Written by `npm run docs` from the tables in the code. Do not edit. -->\n\n";

const pages: Readonly<Record<string, () => string>> = {
  "commands.md": commands,
  "configuration.md": configuration,
  "points.md": pointCatalogue,
  "wire.md": wire,
};

const isCheck = process.argv.includes("--check");
let isStale = false;
for (const [name, write] of Object.entries(pages)) {
  const url = new URL(name, folder);
  const page = note + write();
  if (!isCheck) writeFileSync(url, page);
  else if (read(url) !== page) {
    console.error(`docs/reference/${name} is stale. Run: npm run docs`);
    isStale = true;
  }
}
if (isStale) process.exitCode = 1;

function configuration(): string {
  const rows = settings.map(({ key, flag, alias, env, schema }) => [
    code(key),
    code(JSON.stringify(schema.default)),
    schema.enum === undefined
      ? schema.description
      : `${schema.description} One of ${schema.enum.map(code).join(", ")}.`,
    [alias, flag, env].flatMap((name) => (name === undefined ? [] : [code(name)])).join("<br>"),
  ]);
  return `# Configuration

Every setting of \`wattboard serve\` and \`wattboard demo\`: as a flag, in the environment, or in the YAML or JSON file that \`--config\`
(or \`WATTBOARD_CONFIG\`) names. A flag goes over the environment, the environment over the file. All problems are reported at once.

\`\`\`yaml
port: 9000
access:
  dashboards: public
\`\`\`

${table(["Setting", "Default", "What it does", "Flag, environment"], rows)}
`;
}

function pointCatalogue(): string {
  const rows = points.map((point) => [
    code(point.name),
    point.label,
    point.unit,
    "sign" in point ? point.sign : "",
    ["minimum" in point ? `≥ ${point.minimum}` : "", "maximum" in point ? `≤ ${point.maximum}` : ""]
      .filter(Boolean)
      .join(", "),
  ]);
  return `# Points

The measured quantities that Wattboard knows by name. Any further scalar field is a point too, without a unit: at most
${limits.extraPointsMax} for a device. \`null\` says that the device has no value just now.

${table(["Point", "Label", "Unit", "Sign", "Range"], rows)}
`;
}

function wire(): string {
  return `# Wire reference

## Close codes

${table(
  ["Code", "Reason", "Meaning", "Reconnect"],
  Object.values(disconnects).map((each) => [
    String(each.code),
    each.reason === "" ? "" : code(each.reason),
    each.meaning,
    each.reconnect,
  ]),
)}

\`later\` is 30 to 60 seconds.

## Refusals

With a status: the answer to a handshake or a request, as a problem document (RFC 9457). Without: a telemetry message that is dropped,
counted as \`wattboard_samples_total{result="…"}\`, logged, and shown on the device's page, while the link lives on.

${table(
  ["Code", "Status", "Message"],
  Object.entries(refusals).map(([name, each]) => [
    code(name),
    "status" in each ? String(each.status) : "",
    each.message,
  ]),
)}

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
\`type\` and no \`device_id\`. On the **dashboard door** samples come as ever, and \`{"type":"command","command":{…}}\` with each step of one of the
device's commands; the inner object is the body of \`GET /api/v1/devices/{id}/commands/{command_id}\`.

${[welcomeSchema, helloSchema, deadlineSchema, commandResultSchema]
  .map((schema) => `### ${schema.properties.type.const}\n\n\`\`\`json\n${JSON.stringify(schema, null, 2)}\n\`\`\``)
  .join("\n\n")}

## Commands, server to device

\`\`\`json
${JSON.stringify(commandSchema, null, 2)}
\`\`\`
`;
}

function commands(): string {
  const names = Object.keys(commandStatuses) as (keyof typeof commandStatuses)[];
  const edges = names.flatMap((from) => commandStatuses[from].next.map((to) => `  ${from} --> ${to}`));
  const ends = names.filter((name) => commandStatuses[name].next.length === 0).map((name) => `  ${name} --> [*]`);
  return `# Commands

\`POST /api/v1/devices/{id}/commands\` with \`{action, payload, command_id?, ttl_ms?}\` and a token of the operator role gives a command; the answer
is 202 with the command as it stands. \`GET …/commands/{command_id}\` tells what became of it, with each step's time and cause;
\`GET …/commands\` lists the newest, and what the device has announced that it can be told.

\`\`\`sh
wattboard command send ems_001 SET_MODE --target MANUAL_DISCHARGE --power 500 --lease 15m --wait
\`\`\`

## What became of it

\`\`\`mermaid
stateDiagram-v2
  [*] --> queued
${[...edges, ...ends].join("\n")}
\`\`\`

${table(
  ["Status", "Meaning", "What may follow"],
  names.map((name) => [
    code(name),
    commandStatuses[name].meaning,
    commandStatuses[name].next.map(code).join(", ") || "nothing: it has ended",
  ]),
)}

- Each step is stored before anybody is told of it, and before anything is done about it.
- **The device's word is not enough.** \`applied\` is said when its telemetry shows it. What says \`applied\` but does not show it ends as \`unconfirmed\`.
- **Never late.** A command is not sent after its time to live: ${limits.commandTtlMs / 1_000} s unless \`ttl_ms\` says otherwise, ${limits.commandTtlMsMax / 3_600_000} h at most. A device that speaks
  ${code(subprotocol)} also does not start one that reaches it later.
- **Never twice.** \`command_id\` is the idempotency key: the same id and body are the same command, another body is refused with 409. A device is
  sent a command again after a reconnect until it answers or shows it; the SDK carries each \`command_id\` out once.
- **In order.** A later SET_MODE takes the place of an earlier one that still waits, a later SET_PARAMETER that of an earlier one of the same parameter.
- **Bounded.** A device has at most ${limits.openCommandsMax} commands that have not ended; one more is refused with 429. Of those that have ended the newest ${limits.commandsKeptPerDevice} of
  a device are kept, ${limits.commandsKept.toLocaleString("en-US")} in all.

## Actions

${table(
  ["Action", "Meaning", "Applied when the telemetry shows it", "Within", "Sent again"],
  Object.entries(commandActions).map(([name, each]) => [
    code(name),
    each.meaning,
    each.shownBy,
    `${each.shownWithinMs / 1_000} s`,
    each.isRepeatable ? "after a reconnect" : "never",
  ]),
)}

\`Within\` counts from the last frame or answer on a link that stays up. While the device is away the command has the rest of its time to live.

A device that has announced nothing can be told SET_MODE, without a lease, and RESET_ERROR. What another has announced, with its ranges, is what it can
be told; the answer to anything else is 422 and says what is allowed.

## Leases

\`payload.lease_ms\` of a manual mode (${limits.leaseMsMin / 1_000} s to ${limits.leaseMsMax / 3_600_000} h): unless a later SET_MODE comes before it ends, the device falls back to AUTO by itself, whether its link
is there or not. The server needs to do nothing for it, and can be gone. Whoever steers from afar gives short leases and renews them.

## Fleet commands

\`POST /api/v1/fleet-commands\` with \`{action, payload, where: [condition, …]}\` gives one command to every device that meets all conditions.
\`dry_run: true\` only tells which they would be.

${table(
  ["Field", "Default", "What it does"],
  [
    [
      "`where`",
      "",
      "`id`, `name`, `online`, `state`, `mode`, `properties.NAME` or a point of the newest sample, compared by `=`, `!=`, `<`, `<=`, `>`, `>=`. A point counts only while the device is online and the sample is not older than a minute.",
    ],
    [
      "`canary`",
      "1",
      "Devices of the first wave. All of them must apply it, else everything stops. Devices that are online come first.",
    ],
    ["`wave_size`", "a quarter of the rest", "Devices of each further wave."],
    ["`settle_ms`", "10,000", "How long after a wave its devices are watched before the next begins."],
    [
      "`errors_max`",
      "0",
      "Changed devices that may raise an error flag which they did not have before; one more stops everything.",
    ],
    ["`failures_max`", "a tenth of all", "Commands that may end without being applied; one more stops everything."],
  ],
)}

It runs in the server, is stored, and goes on after a restart where it was. At most ${limits.fleetCommandsRunning} run at once; the newest ${limits.fleetCommandsKept} are kept. \`GET /api/v1/fleet-commands/{id}\` tells its
progress, \`…/devices\` has a record for each device, \`POST …/abort\` begins no further wave and takes back what was not sent.
`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}

function read(url: URL): string | null {
  try {
    return readFileSync(url, "utf8");
  } catch {
    return null;
  }
}
