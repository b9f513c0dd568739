import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { systemClock } from "wattboard";
import { TimescaleStore } from "../../packages/server/dist/store/timescale/timescale-store.js";
import { DeviceState } from "../../packages/server/dist/telemetry/device-state.js";
import { Journal } from "../../packages/server/dist/telemetry/journal.js";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { type PostgresServer, password, postgresPrograms, startPostgres } from "../support/postgres.ts";
import { batchOf, sampleAt } from "../support/samples.ts";

const queueBytesMax = 400_000;

/**
 * A real journal over a real store over a real PostgreSQL, which is stopped, crashed and started again while samples come. Each sample that
 * the journal took is noted; in the end each of them must be in the database once.
 */
needs("PostgreSQL 15 or newer", postgresPrograms !== undefined)("while the database is away", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  test.each(["immediate", "fast"] as const)(
    "(%s stop) nothing acknowledged is lost, nothing is doubled, and what waits is bounded",
    async (mode) => {
      const store = await TimescaleStore.open({ url: await server.createDatabase(`away_${mode}`), retentionMs: 0 });
      const device = new DeviceState("ems_001");
      const seen = { committed: 0, unstored: 0, failures: [] as unknown[] };
      const journal = new Journal(
        store,
        systemClock,
        { flushMs: 10, flushBytes: 64 * 1024, queueBytesMax },
        {
          committed: (samples) => {
            seen.committed += samples;
          },
          failed: (error) => seen.failures.push(error),
          unstored: (samples) => {
            seen.unstored += samples;
          },
        },
      );
      const taken: number[] = [];
      const from = Date.now();
      let seq = 0;
      const load = setInterval(() => {
        for (let i = 0; i < 10; i++, seq++) {
          const { sections: _, ...sample } = sampleAt(from + seq, seq, { grid: { power: seq } });
          if (journal.append(device, { ...sample, values: {} }, sample.message)) taken.push(seq);
          expect(journal.queuedBytes).toBeLessThanOrEqual(queueBytesMax);
        }
      }, 5);
      onTestFinished(() => clearInterval(load));

      for (let round = 0; round < 3; round++) {
        const before = seen.committed;
        await eventually(() => expect(seen.committed).toBeGreaterThan(before + 200), { withinMs: 15_000 });
        server.stop(mode);
        const failures = seen.failures.length;
        await eventually(() => expect(seen.failures.length).toBeGreaterThan(failures));
        const atStop = { committed: seen.committed, unstored: seen.unstored };
        // The buffer fills up to its bound, and nothing is acknowledged.
        await eventually(() => expect(seen.unstored).toBeGreaterThan(atStop.unstored), { withinMs: 15_000 });
        expect(seen.committed).toBe(atStop.committed);
        server.start();
      }
      const atStart = seen.committed;
      await eventually(() => expect(seen.committed).toBeGreaterThan(atStart), { withinMs: 15_000 });
      clearInterval(load);
      expect(await journal.close(15_000)).toBe(0);
      expect(seen.committed).toBe(taken.length);

      const range = { deviceId: "ems_001", fromMs: 0, toMs: from + seq };
      const stored = await store.samples({ ...range, take: "first", limit: 1_000_000 });
      expect(stored.map((sample) => sample.seq)).toEqual(taken);
      for (const failure of seen.failures) {
        expect(failure).toMatchObject({ name: "Failure", code: "store_failed" });
        expect(String(failure)).not.toContain(password);
      }
      await store.close();
    },
    60_000,
  );

  test("whose connections are all cut at once goes on with new ones", async () => {
    const store = await TimescaleStore.open({ url: await server.createDatabase("cut"), retentionMs: 0 });
    const sent = Array.from({ length: 5 }, (_, i) => sampleAt(i, i, { grid: { power: i } }));
    for (const [i, sample] of sent.entries()) {
      await eventually(async () => await store.append([batchOf([sample])]));
      await eventually(async () => expect(await store.points("ems_001")).toHaveLength(1));
      if (i % 2 === 0)
        await server.query(
          "postgres",
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wattboard'",
        );
    }
    await eventually(async () => expect((await store.info()).samples).toBe(5));
    await store.close();
  });

  test("the store closes all the same", async () => {
    const store = await TimescaleStore.open({ url: await server.createDatabase("closing"), retentionMs: 0 });
    server.stop("immediate");
    onTestFinished(() => server.start());
    await expect(store.append([batchOf([sampleAt(0, 0, { grid: { power: 1 } })])])).rejects.toMatchObject({
      code: "store_failed",
    });
    await expect(store.latest()).rejects.toMatchObject({ code: "store_failed" });
    await store.close();
  });
});
