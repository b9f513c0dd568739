// Writes docs/reference from the tables in the code; with --check it fails where a page is stale.
import { readFileSync, writeFileSync } from "node:fs";
import { commandSchema, disconnects, limits, points, refusals, telemetrySchema } from "@wattboard/protocol";
import { settings } from "wattboard";

const folder = new URL("../docs/reference/", import.meta.url);
const note = "<!-- Written by `npm run docs` from the tables in the code. Do not edit. -->\n\n";

const pages: Readonly<Record<string, () => string>> = {
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

## Commands, server to device

\`\`\`json
${JSON.stringify(commandSchema, null, 2)}
\`\`\`
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
