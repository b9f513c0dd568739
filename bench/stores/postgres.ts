import { readFileSync } from "node:fs";
import { PostgresStore } from "../../packages/server/dist/store/postgres/postgres-store.js";
import { postgresPrograms, startPostgres } from "../../tests/support/postgres.ts";
import { processFamilyCpuMs } from "../measure/process-figures.ts";
import { askStore, folderBytes, ownCpuMs } from "./store-port.ts";
import type { Subject } from "./subject.ts";

const database = "bench";

/**
 * Wattboard's adapter on a PostgreSQL of its own, as Debian has it, without TimescaleDB. This process is pinned, so all of the server's are.
 * Throws where PostgreSQL is not installed.
 */
export async function openPostgres(): Promise<Subject> {
  if (postgresPrograms === undefined) throw new Error("PostgreSQL 15 or newer is not installed.");
  const server = await startPostgres();
  process.once("exit", () => server.remove());
  const store = await PostgresStore.open({ url: await server.createDatabase(database), retentionMs: 0 });
  const [setting] = await server.query(database, "SHOW data_directory");
  const folder = String(setting?.data_directory);
  const [line = ""] = readFileSync(`${folder}/postmaster.pid`, "utf8").split("\n");
  const emptyBytes = folderBytes(folder);
  return {
    append: (batch) => store.append([batch]),
    async seal() {
      await store.upkeep();
      await server.query(database, "VACUUM ANALYZE");
      await server.query(database, "CHECKPOINT");
    },
    cpuMs: () => ownCpuMs() + processFamilyCpuMs(Number(line)),
    ask: (question) => askStore(store, question),
    async close() {
      await store.close();
      return { bytes: folderBytes(folder) - emptyBytes };
    },
  };
}
