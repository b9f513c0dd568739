import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProgram } from "../../../packages/server/dist/cli/program.js";
import { type CliResult, makeFolder, runCliHere } from "../../support/run-cli.ts";
import { startServer } from "../../support/start-server.ts";

/** Every verb, with what makes it succeed and what makes it fail, one after the other. */
const lines = [
  "device add ems_001 --create-folder --name Cellar --property country=SE",
  "device add ems_001",
  "device add ../etc",
  "device add ems_002 --json",
  "device set ems_001 --name Attic --without country",
  "device set nobody --name Attic",
  "device list",
  "device list --json",
  "device rotate ems_001",
  "device rotate ems_001 --token-file short.txt",
  "device rotate nobody",
  "device revoke ems_001",
  "device revoke nobody",
  "user add ann --role operator --devices ems_001",
  "user add ann --role viewer --devices all",
  "user add bob --role viewer --devices nowhere --json",
  "user list",
  "user role ann viewer",
  "user role nobody viewer",
  "user devices ann all",
  "user devices ann none --json",
  "user password ann",
  "user password ann --password-file password.txt",
  "user password ann --password-file short.txt",
  "user password nobody",
  "user setup-link --json",
  "user setup-link",
  "user remove ann --yes",
  "user remove ann --yes",
  "api-token add wall --role viewer --expires 30d",
  "api-token add wall --role admin",
  "api-token add brief --role viewer --expires 0s",
  "api-token add some --role operator --devices ems_001 --json",
  "api-token list",
  "api-token remove wall",
  "api-token remove wall",
  "share list",
  "share revoke nothing",
  "import samples.csv --device ems_001",
  "import samples.csv --device nobody",
  "import bad.csv --device ems_001",
  "history strike ems_001 --from 2026-01-01T00:00:00Z --to 2026-01-01T00:00:01Z --points grid.power",
  "history strike ems_001 --from 2026-01-01 --to 2026-01-02 --json",
  "history strike ems_001 --from 2026-01-02 --to 2026-01-01",
  "history strike nobody --from 2026-01-01 --to 2026-01-02",
  "history strikes ems_001",
  "history strikes ems_001 --json",
  "history strikes nobody",
  "history unstrike ems_001 2",
  "history unstrike ems_001 2",
  "history unstrike ems_001 two",
  "export --all",
  "export --device ems_001 --from 2026-01-01T00:00:01Z --points grid.power",
  "export --device nobody",
  "export --all --format parquet --out samples.parquet",
  "store info --json",
  "store verify",
  "store repair --yes --json",
  "backup copy",
  "backup copy",
  "audit verify",
  "device remove ems_002",
  "device remove ems_002",
  "audit export --who nobody",
  "audit export --from yesterday",
  "audit export --format ndjson",
];
/** They act where no other process does: on a folder, by starting a server, or on what only a running one knows. */
const elsewhere = /^(serve|demo|simulate|restore|command|alarm|notify|maintenance|device (waiting|accept))\b/;

test("a verb does the same, says the same and is recorded the same, whether a server runs or not", async () => {
  const server = await startServer({ settings: { "access.dashboards": "people" } });
  const online = await runAll(server.dataDir);
  const offline = await runAll(makeFolder());
  for (const [at, line] of lines.entries()) expect([line, offline[at]]).toEqual([line, online[at]]);
  expect(online.map(({ code }) => code)).toContain(2);
  // Were all of them refused, they would be the same as well.
  expect(online.filter(({ code }) => code === 0).length).toBeGreaterThan(lines.length / 2);
}, 120_000);

test("no verb is missing there", () => {
  const verbs = createProgram().commands.flatMap((command) =>
    command.commands.length === 0
      ? [command.name()]
      : command.commands.map((verb) => `${command.name()} ${verb.name()}`),
  );
  const missing = verbs.filter((verb) => !elsewhere.test(verb) && !lines.some((line) => line.startsWith(verb)));
  expect(missing).toEqual([]);
});

/** What each line answers, with what differs from run to run named and not shown. */
async function runAll(dataDir: string): Promise<CliResult[]> {
  const cwd = makeFolder();
  writeFileSync(join(cwd, "password.txt"), "a long password of hers\n");
  writeFileSync(join(cwd, "short.txt"), "short\n");
  writeFileSync(join(cwd, "samples.csv"), "observed_at,grid.power\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:01Z,2\n");
  writeFileSync(join(cwd, "bad.csv"), "observed_at,grid.power\n2026-01-01T00:00:02Z,much\n");
  const results: CliResult[] = [];
  for (const line of lines) {
    const { code, stdout, stderr } = await runCliHere([...line.split(" "), "--data-dir", dataDir], { cwd });
    results.push({ code, stdout: unchanging(stdout, dataDir), stderr: unchanging(stderr, dataDir) });
  }
  expect(readFileSync(join(cwd, "samples.parquet")).toString("latin1")).toMatch(/^PAR1/);
  return results;
}

function unchanging(text: string, dataDir: string): string {
  return text
    .replaceAll(dataDir, "DATA")
    .replaceAll(/\bwb_\w+/g, "TOKEN")
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "SERVER")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "HASH")
    .replaceAll(/\b[0-9a-f]{32}\b/g, "ID")
    .replaceAll(/"address":"[^"]*"/g, '"address":"FROM"')
    .replaceAll(/\b20\d\d-\d\d-\d\dT[\d:.]+Z/g, "NOW")
    .replaceAll(/"(bytes|bytes_per_sample)":[\d.]+/g, '"$1":SIZE')
    .replaceAll(/[\d.]+ [kM]B/g, "SIZE");
}
