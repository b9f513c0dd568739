import { execFileSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { loadConfig, ManualClock, startSwitchboard } from "wattboard";
import { needs } from "../../support/needs.ts";
import { postgresPrograms, startPostgres } from "../../support/postgres.ts";
import { stopWithClock, temporaryFolder } from "../../support/start-server.ts";

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

/** Opens a copy of the folder with what is built here, and asks what was asked of 0.1.0; twice, since a migration runs once. */
async function expectSameAnswers(name: string, storeUrl: string): Promise<void> {
  const recorded = recordedOf(name);
  const dataDir = temporaryFolder();
  for (const file of ["access.db", "audit.db", "commands.db", ...(storeUrl === "embedded" ? ["store.db"] : [])]) {
    cpSync(join(fixtures, name, file), join(dataDir, file));
  }
  for (let start = 1; start <= 2; start++) {
    const clock = new ManualClock(Date.parse(recorded.now));
    const { config } = loadConfig({
      flags: {
        port: "0",
        data_dir: dataDir,
        "store.url": storeUrl,
        "access.dashboards": "public",
        "log.level": "silent",
        "site.time_zone": "UTC",
      },
      env: {},
      file: undefined,
    });
    const server = await startSwitchboard({ clock, config });
    try {
      for (const [path, answer] of Object.entries(recorded.answers)) {
        expect([start, path, comparable(await ask(server.url, path, recorded.token))]).toEqual([
          start,
          path,
          comparable(answer),
        ]);
      }
    } finally {
      await stopWithClock(server, clock);
    }
  }
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

/** Without what is named otherwise since, or tells of the present and not of the past. */
function comparable({ standing, freshness, next_cursor, ...rest }: Readonly<Record<string, unknown>>): unknown {
  return rest;
}

test("a data folder of 0.1.0 opens, and answers the same history", { timeout: 120_000 }, async () => {
  await expectSameAnswers("embedded", "embedded");
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
