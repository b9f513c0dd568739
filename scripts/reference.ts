// Writes docs/reference, and the numbers in the guides, from the tables in the code; with --check it fails where a page is stale.
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  commandActions,
  commandStatuses,
  disconnects,
  limits,
  parameterSchema,
  points,
  smartOsFields,
  smartOsInternals,
  smartOsOperators,
  smartOsPaths,
  smartOsSection,
  smartOsWelcomes,
  subprotocol,
} from "@wattboard/protocol";
import { asyncApi } from "@wattboard/protocol/asyncapi";
import { settings } from "wattboard";
import { fillSettings } from "./guide-settings.ts";
import { code, table } from "./markdown.ts";
import { wire } from "./wire-reference.ts";

const root = new URL("../", import.meta.url);
const note = "<!-- Written by `npm run docs` from the tables in the code. Do not edit. -->\n\n";

const reference: Readonly<Record<string, () => string>> = {
  "commands.md": commands,
  "configuration.md": configuration,
  "points.md": pointCatalogue,
  "smart-os.md": smartOs,
  "wire.md": wire,
};
const guides = globSync(["README.md", "docs/guide/*.md", "packages/*/README.md"], { cwd: fileURLToPath(root) });

const isCheck = process.argv.includes("--check");
for (const [name, write] of Object.entries(reference)) keep(`docs/reference/${name}`, () => note + write());
keep("docs/reference/asyncapi.json", () => `${JSON.stringify(asyncApi(), null, 2)}\n`);
for (const path of guides) keep(path, fillSettings);

/** Writes what `make` makes of the page at `path`, or says that it is stale. */
function keep(path: string, make: (page: string) => string): void {
  const url = new URL(path, root);
  const before = read(url);
  const page = make(before);
  if (!isCheck) writeFileSync(url, page);
  else if (before !== page) {
    console.error(`${path} is stale. Run: npm run docs`);
    process.exitCode = 1;
  }
}

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
    "believed" in point ? point.believed.map((bound) => bound.toLocaleString("en-US")).join(" to ") : "",
  ]);
  return `# Points

The measured quantities that Wattboard knows by name. Any further scalar field is a point too, without a unit: at most
${limits.extraPointsMax} for a device (\`limits.points\`). \`null\` says that the device has no value just now.

A value outside its usual range is kept and marked. One that cannot be believed, or that stands for "not available" (65535, 4294967295 and the
like for powers), is no measurement: it becomes \`null\`, and is counted. A device's properties narrow that: \`rated_power\` (W, or \`5 kW\`) for its battery, solar and
inverter power, \`rated_battery_power\`, \`rated_solar_power\`, \`rated_inverter_power\`, \`rated_grid_power\`, \`rated_load_power\` for one of them; up to twice the rating is believed.

${table(["Point", "Label", "Unit", "Sign", "Usual", "Believed"], rows)}
`;
}

function smartOs(): string {
  const frame = (type: string, message: string): string =>
    `\`\`\`\n{"type": "${type}", "message": ${JSON.stringify(message)}}\n\`\`\``;
  const rows = smartOsFields.map(({ name, kind, kept, point, meaning }) => [
    code(name),
    kind,
    kept === "property"
      ? "property of the device"
      : kept === "server"
        ? "the server's own"
        : code(point ?? `${smartOsSection}.${name}`),
    meaning,
  ]);
  return `# SMART-OS

The second dialect: devices (SolMates) at ${code(smartOsPaths.update)}, web clients at ${code(smartOsPaths.client)}, with or without the last slash. Both doors are closed unless
${code("smart_os.access")} is ${code("token")} or ${code("open")}. Every frame is text, and an object with a ${code("type")} and a ${code("message")}.

## Devices

First frame of the server:

${frame("INFO", smartOsWelcomes.update)}

A message of the device: message id (1 to 16 digits), serial number, a dict.

${frame("UPDT", '0116:0001:{"power_consumption": 357}')}

- The envelope and the body are JSON or Python dicts (${code("{'battery': 350, 'charging': True, 'local_time': None}")}); of the whole envelope the inner text may stand alone. Nothing is evaluated.
- ${code("INIT")} and ${code("UPDT")} mean the same: a sample. A leading underscore of a name is taken off.
- The answer begins with the same header: ${code('{"type": "INFO", "message": "0116:0001:OK"}')} once the sample is accepted, else ${code('{"type": "INFO", "message": "0116:0001:ERROR"}')}; without a readable
  header ${code('{"type": "INFO", "message": "ERROR: …"}')} with what is wrong. Why it was ERROR stands in the server's log and on the device's page.
- The serial number is the device's id: 1 to ${limits.deviceIdLengthMax} of ${code("A-Z a-z 0-9 _ . -")}. The first message decides which device the link is; another serial number on it is refused. One device, one
  connection: the older link is closed with 1008 ${code("replaced")}.
- ${code("token")}: the handshake carries ${code("Authorization: Bearer <token>")}, without it 403; a token that is not the device's gets ERROR. ${code("open")}: devices with the property ${code("dialect")} ${code("smart-os")} need no
  token; others show theirs.
- A serial number that is not registered gets ERROR and waits: ${code("wattboard device waiting")}, ${code("wattboard device accept 0001")}, or ${code("GET /api/v1/smart-os/waiting")} and
  ${code("POST /api/v1/smart-os/waiting/{id}/accept")}. The list holds 1,000. With ${code("smart_os.auto_register")} it is registered at once.
- A socket that has named no device which may come in is closed with 1008 ${code(disconnects.notLetIn.reason)} ${limits.admissionMsMax / 1_000} seconds after it was opened, and may come again; ${limits.unadmittedLinksMax.toLocaleString("en-US")} of them may wait, then the oldest goes.
- Limits are those of the device door: ${limits.frameBytesMax.toLocaleString("en-US")} bytes a frame (1009), text only (1003), ${limits.messagesPerSecond} messages a second after ${limits.messagesBurst} at once. What is above the rate is dropped without an answer.

### Fields

${table(["Field", "Kind", "Kept as", "Meaning"], rows)}

- A sample holds what the device said before, while it is connected or away for no longer than five minutes.
- A value that its point cannot hold goes to ${code(`${smartOsSection}.NAME`)} as it is, and the point is ${code("null")}. A ${code("battery")} that was above 100 once stays there.
- Fields that nobody knows: numbers, truth values and ${code("null")} become points ${code(`${smartOsSection}.NAME`)}, at most 48; texts become properties, at most 32, ${limits.textLengthMax} characters each. What finds no room, and lists and
  dicts, are left out, and the rest is taken.
- Not kept: ${smartOsInternals
    .filter((name) => name !== "serial_number")
    .map(code)
    .join(", ")}.
- ${code("dialect")}, ${code("peers")}, ${code("simulated")} and ${code("site")} are given by administrators; a device that says them is not listened to. Where both give a property, the administrator's is shown.

## Web clients

First frame of the server, and after it the full dataset:

${frame("INFO", smartOsWelcomes.client)}

\`\`\`
{"type": "INIT", "message": [{"serial_number":"0001","software_version":"v2.0",…}, …]}
\`\`\`

- One row a device, of both dialects, by serial number; fields as above, then what else the device has told. Points that have no name here keep theirs: ${code("grid.power")}. What a device has not told is
  ${code('""')}, 0 or ${code("null")}. ${code("manufacturing_date")} is when it was registered unless the device says otherwise.
- Then every update as it comes: of a SolMate's ${code("UPDT")} in JSON the frame as it was sent, byte for byte; of anything else an ${code("UPDT")} in the same form.
- Who may look, and at which devices, decides ${code("access.dashboards")}, as at the dashboard door: a session's cookie or ${code("Authorization: Bearer")}. When rights change the link is closed with 1008 ${code("rights changed")}.
- A client that does not read what it is sent is cut at ${code("smart_os.client_bytes")}.

A query, answered with a dataset of type ${code("INIT")}:

\`\`\`json
{"type":"FILT","message":["filter:serial_number:=:0","sort:serial_number:<:abc"]}
\`\`\`

- Up to 32 filters and sorts in any order, over every field; a value has at most ${limits.textLengthMax} characters, and one of more than 32 is a text, not a number. All filters must be met; the first sort counts most.
- ${code("sort:NAME:<:abc")} is small to big, a to z; ${code(">")} big to small. ${code("abc")} and ${code("123")} mean the same: numbers, and texts that are numbers, come before other texts; what was not told comes last.
- A malformed query gets ${code('{"type": "INFO", "message": "ERROR: …"}')}, and the connection stays. So do more than 5 a second after 20 at once, and more than 20 that wait for their answer.

${table(
  ["Filter", "The field"],
  Object.entries(smartOsOperators).map(([operator, meaning]) => [code(`filter:NAME:${operator}:VALUE`), meaning]),
)}

Numbers are compared with numbers and texts with texts; a field that was not told meets no filter.

## Remote control

A device that can be told something announces it after connecting; until then it can be told nothing. ${code("commands")} and ${code("parameters")} are those of the subprotocol's ${code("hello")} (see [wire](wire.md)).

${frame("CMND", '0001:0001:{"commands": {"RESTART": {}}, "parameters": [{"name": "power_inject", "type": "number", "minimum": 0, "maximum": 800}]}')}

The server answers OK or ERROR. A command of ${code("POST /api/v1/devices/{id}/commands")} then comes as

${frame("CMND", '0001:0001:{"command_id":"cmd_8293","action":"SET_PARAMETER","payload":{"name":"power_inject","value":300},"expires_at":"2026-07-01T09:01:00.000Z"}')}

and the device may say what became of it (${code("accepted")}, ${code("applied")}, ${code("rejected")}, ${code("failed")}, with a ${code("reason")}):

${frame("CMND", '0002:0001:{"command_id": "cmd_8293", "status": "accepted"}')}

It counts as applied when an update shows it: a parameter's by the field of the same name, unless the announcement names a ${code("point")}. A text that is a parameter is kept as a point, too. All else
is as for other devices: see [commands](commands.md). A parameter:

\`\`\`json
${JSON.stringify(parameterSchema, null, 2)}
\`\`\`

## From device to device

Where ${code("access.peers")} is on and an administrator has given the device the property ${code("peers")} (${code("site")}: the devices with the same property ${code("site")}; ${code("owner")}: those that somebody was given together with it):

${frame("PEER", '0001:0001:{"subscribe": true}')}

is answered with OK, and from then on each of at most ${limits.peersMax} peers comes as an ${code("UPDT")} when it has a new sample, at most once a second. ${code('{"subscribe": false}')} ends it.

## general.log

Every message towards these doors, one a line, without secrets, in ${code("general.log")} of the data folder (${code("log.general")}); when ${code("log.general_bytes")} are reached the older half goes. A disk that does not keep up
costs lines, which are counted there, and nothing else.
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

function read(url: URL): string {
  return existsSync(url) ? readFileSync(url, "utf8") : "";
}
