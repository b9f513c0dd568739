import { execFileSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { EventsBody, RenewalBody } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { type Config, loadConfig, type Switchboard, startSwitchboard } from "wattboard";
import { eventually } from "../../support/eventually.ts";
import { needs } from "../../support/needs.ts";
import { postgresPrograms, startPostgres } from "../../support/postgres.ts";
import { stopWithClock, temporaryFolder } from "../../support/start-server.ts";
import { getBody } from "../../support/world.ts";

/** What 0.1.0 answered, by path; asked at `now` with `token`. */
interface Recorded {
  readonly now: string;
  readonly token: string;
  readonly answers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const fixtures = join(import.meta.dirname, "../../fixtures/0.1.0");

function recordedOf(name: string): Recorded {
  return JSON.parse(gunzipSync(readFileSync(join(fixtures, `${name}.json.gz`))).toString()) as Recorded;
}

/** A copy of the folder as 0.1.0 left it. */
function copyFolder(name: string, storeUrl: string): string {
  const dataDir = temporaryFolder();
  for (const file of ["access.db", "audit.db", "commands.db", ...(storeUrl === "embedded" ? ["store.db"] : [])]) {
    cpSync(join(fixtures, name, file), join(dataDir, file));
  }
  return dataDir;
}

function configOf(dataDir: string, storeUrl: string): Config {
  const flags = {
    port: "0",
    data_dir: dataDir,
    "store.url": storeUrl,
    "access.dashboards": "public",
    "log.level": "silent",
    "site.time_zone": "UTC",
  };
  return loadConfig({ flags, env: {}, file: undefined }).config;
}

/** Opens a copy of the folder with what is built here, and asks what was asked of 0.1.0; twice, since a migration runs once. */
async function expectSameAnswers(name: string, storeUrl: string): Promise<void> {
  const recorded = recordedOf(name);
  const dataDir = copyFolder(name, storeUrl);
  for (let start = 1; start <= 2; start++) {
    const clock = new ManualClock(Date.parse(recorded.now));
    const server = await startSwitchboard({ clock, config: configOf(dataDir, storeUrl) });
    try {
      for (const [path, answer] of Object.entries(recorded.answers)) {
        expect([start, path, comparable(await ask(server.url, path, recorded.token))]).toEqual([
          start,
          path,
          comparable(answer),
        ]);
      }
      if (start === 2) await expectRegistrations(server, recorded.token);
    } finally {
      await stopWithClock(server, clock);
    }
  }
}

/** What each of those who take an id of 0.1.0 over, as the same device or as another, is shown of what is stored. */
async function expectRegistrations(server: Switchboard, token: string): Promise<void> {
  const firstOf = async (deviceId: string): Promise<string | undefined> => {
    const asked = "from=2026-05-01T09:00:00.000Z&to=2026-05-01T15:07:00.000Z&take=first&limit=1000";
    const { samples } = await ask(server.url, `/devices/${deviceId}/samples?${asked}`, token);
    return (samples as { readonly observed_at: string }[])[0]?.observed_at;
  };
  const addAgain = async (deviceId: string, keepHistory: boolean | number): Promise<string | undefined> => {
    server.devices.remove(deviceId);
    expect(server.devices.add({ deviceId, keepHistory })).toHaveProperty("token");
    return await firstOf(deviceId);
  };
  const [former, own] = ["2026-05-01T10:00:00.000Z", "2026-05-01T13:07:00.000Z"];
  expect(await firstOf("ems_001")).toBe(own);
  expect(await addAgain("ems_001", true)).toBe(own);
  expect(await addAgain("ems_001", false)).toBeUndefined();
  expect(await addAgain("ems_001", 1)).toBe(own);
  expect(await addAgain("ems_002", false)).toBeUndefined();
  expect(await addAgain("ems_002", 1)).toBe(former);
  expect(await addAgain("ems_003", true)).toBe(former);
  expect(await addAgain("ems_004", true)).toBe(former);
  expect(await addAgain("ems_004", false)).toBeUndefined();
}

/** The whole answer; of samples, all pages. */
async function ask(url: string, path: string, token: string): Promise<Record<string, unknown>> {
  const samples: unknown[] = [];
  for (let cursor = ""; ; ) {
    const response = await fetch(`${url}/api/v1${path}${cursor}`, { headers: { authorization: `Bearer ${token}` } });
    expect([path, response.status]).toEqual([path, 200]);
    const body = (await response.json()) as Record<string, unknown>;
    if (!Array.isArray(body.samples) || !("next_cursor" in body)) return body;
    samples.push(...(body.samples as unknown[]));
    if (body.next_cursor === null) return { ...body, samples };
    cursor = `&cursor=${encodeURIComponent(String(body.next_cursor))}`;
  }
}

/** Named otherwise since, about the present, or by another rule since (docs/adr/0066-one-rule-for-what-was-measured.md). */
const notCompared = new Set(["standing", "freshness", "next_cursor", "time_zone", "coverage", "bucket_coverage"]);

/** What must be the same. What was not measured was 0 Wh, and hours have their part of the steps over their edges since. */
function comparable(value: unknown, key = ""): unknown {
  // Of a total all of it; of spans what is moved over their edges is less than 5 Wh here.
  if (key.endsWith("_wh")) return Math.round(Number(value ?? 0) / 20);
  if (typeof value === "number" && (key === "autarky" || key === "self_consumption")) return Math.round(100 * value);
  // The last run reaches to the range's end where no gap is.
  if (Array.isArray(value) && key === "runs") return comparable([...value.slice(0, -1), { ...value.at(-1), to: "" }]);
  // What the start itself has told.
  if (Array.isArray(value) && key === "events") {
    return comparable(value.filter(({ kind }: { kind: string }) => !kind.startsWith("summaries_")));
  }
  if (Array.isArray(value)) return value.map((each) => comparable(each));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !notCompared.has(name));
  return Object.fromEntries(kept.map(([name, each]) => [name, comparable(each, name)]));
}

test("a data folder of 0.1.0 opens, and answers the same history", { timeout: 120_000 }, async () => {
  await expectSameAnswers("embedded", "embedded");
});

test("summaries of 0.1.0 are made anew once, which events, metrics and API tell", { timeout: 120_000 }, async () => {
  const config = configOf(copyFolder("embedded", "embedded"), "embedded");
  const told = async ({ url }: Switchboard): Promise<string[]> => {
    const { events } = await getBody<EventsBody>({ url }, "/events?limit=100");
    return events.map(({ kind }) => kind).filter((kind) => kind.startsWith("summaries_"));
  };
  for (let start = 1; start <= 2; start++) {
    const server = await startSwitchboard({ config });
    try {
      await eventually(async () => {
        expect(await told(server)).toEqual(["summaries_renewed", "summaries_renewing"]);
      });
      expect(await getBody<RenewalBody>(server, "/store/renewal")).toEqual({ renewed_share: 1 });
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(metrics).toContain("\nwattboard_store_renewed_share 1\n");
    } finally {
      await server.stop();
    }
  }
});

needs("PostgreSQL 15 or newer", postgresPrograms !== undefined)("a database of 0.1.0", () => {
  test("opens, and answers the same history", { timeout: 120_000 }, async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.remove());
    const url = await postgres.createDatabase("wattboard");
    execFileSync(join(postgresPrograms ?? "", "psql"), ["-q", "-v", "ON_ERROR_STOP=1", url], {
      input: gunzipSync(readFileSync(join(fixtures, "postgres/store.sql.gz"))),
      stdio: ["pipe", "ignore", "inherit"],
    });
    await expectSameAnswers("postgres", url);
  });
});
