import { ManualClock } from "@wattboard/testing";
import { afterAll, beforeAll, describe } from "vitest";
import { PostgresStore } from "../../packages/server/dist/store/postgres/postgres-store.js";
import { needs } from "../support/needs.ts";
import { hasTimescale, type PostgresServer, postgresPrograms, startPostgres } from "../support/postgres.ts";
import { storeContract } from "./store.contract.ts";

function contractOn(name: string, timescale: boolean): void {
  let server: PostgresServer;
  /** A database for each folder of the contract. */
  const urls = new Map<string, string>();
  beforeAll(async () => {
    server = await startPostgres({ timescale });
  });
  afterAll(() => server.remove());
  storeContract(name, {
    async open(folder, nowMs) {
      const url = urls.get(folder) ?? (await server.createDatabase(`store_${urls.size}`));
      urls.set(folder, url);
      return await PostgresStore.open({ url, retentionMs: 0, clock: new ManualClock(nowMs) });
    },
    settle: async (store) => await (store as PostgresStore).upkeep(),
  });
}

needs("PostgreSQL 15 or newer", postgresPrograms !== undefined)("PostgreSQL", () => contractOn("PostgreSQL", false));

// No package of Debian has it, so CI does without: docs/adr/0007-timescaledb-store.md says how it was run.
describe.skipIf(!hasTimescale)("TimescaleDB", () => contractOn("TimescaleDB", true));
