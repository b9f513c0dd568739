import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { EmbeddedStore } from "../../../packages/server/dist/store/embedded/embedded-store.js";
import { PostgresStore } from "../../../packages/server/dist/store/postgres/postgres-store.js";
import { firstRegistration } from "../../../packages/server/dist/store/registration.js";
import { eventually } from "../../support/eventually.ts";
import { needs } from "../../support/needs.ts";
import { postgresPrograms, startPostgres } from "../../support/postgres.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { temporaryFolder } from "../../support/start-server.ts";

const startMs = Date.UTC(2026, 2, 28);

test("the embedded store says that samples cannot be moved to their blocks, and keeps them all the same", async () => {
  const folder = temporaryFolder();
  const complaints: string[] = [];
  const limits = { openBytesMax: 1, journalBytesMax: 1e9, retentionMs: 0, bytesMax: 0 };
  const open = (): Promise<EmbeddedStore> => EmbeddedStore.open(folder, limits, (what) => complaints.push(what));
  await (await open()).close();
  const database = new DatabaseSync(join(folder, "store.db"));
  database.exec("CREATE TRIGGER no_parts BEFORE INSERT ON part BEGIN SELECT raise(ABORT, 'no parts today'); END");
  database.close();
  const store = await open();
  onTestFinished(async () => await store.close().catch(() => {}));
  await store.append([batchOf([sampleAt(startMs, 1, { load: { power: 400 } })])]);
  await eventually(async () => expect(complaints).toContain("samples cannot be moved to their blocks: no parts today"));
  const query = {
    registration: firstRegistration("ems_001"),
    fromMs: startMs,
    toMs: startMs + 1,
    take: "first",
    limit: 10,
  } as const;
  expect(await store.samples(query)).toHaveLength(1);
});

needs("PostgreSQL 15 or newer", postgresPrograms !== undefined)("the store on PostgreSQL", () => {
  test("says that its upkeep fails, each time that it is tried", async () => {
    const server = await startPostgres();
    onTestFinished(() => server.remove());
    const clock = new ManualClock(startMs);
    const complaints: string[] = [];
    const url = await server.createDatabase("upkeep");
    const store = await PostgresStore.open({ url, retentionMs: 0, clock, complain: (what) => complaints.push(what) });
    onTestFinished(async () => await store.close());
    await server.query("upkeep", "DROP TABLE wattboard.touched_window");
    for (const times of [1, 2]) {
      clock.advance(60_000);
      await eventually(async () => expect(complaints).toHaveLength(times));
    }
    expect(complaints[0]).toMatch(/^summaries and retention wait, and are tried each minute: .*touched_window/);
  });
});
