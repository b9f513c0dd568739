import { answerOfRows, columnList, columns, type Row, rowsOf, sqlOf } from "./rows.ts";
import { folderBytes, ownCpuMs } from "./store-port.ts";
import type { Subject } from "./subject.ts";

/** What DuckDB takes at a time. */
const rowsPerChunk = 2_048;

/**
 * A row a sample in DuckDB, through its appender, a batch a transaction. Without a primary key, which would cost it 87 bytes a row: so a batch
 * that is offered twice would be there twice. Throws where it cannot be loaded.
 */
export async function openDuckDb(folder: string): Promise<Subject> {
  const { DOUBLE, DuckDBDataChunk, DuckDBInstance, INTEGER, VARCHAR } = await import("@duckdb/node-api");
  // It has one core here.
  const instance = await DuckDBInstance.create(`${folder}/rows.duckdb`, { threads: "1" });
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE sample (${columnList})`);
  const appender = await connection.createAppender("sample");
  const types = columns.map(([, type]) => ({ INTEGER, DOUBLE, TEXT: VARCHAR })[type]);
  const chunk = DuckDBDataChunk.create(types);
  let waiting: Row[] = [];
  const handOver = (): void => {
    if (waiting.length === 0) return;
    chunk.reset();
    chunk.setRows(waiting);
    appender.appendDataChunk(chunk);
    waiting = [];
  };
  return {
    append(batch) {
      for (const row of rowsOf(batch)) {
        if (waiting.push(row) === rowsPerChunk) handOver();
      }
      handOver();
      appender.flushSync();
    },
    seal: async () => {
      await connection.run("CHECKPOINT");
    },
    cpuMs: ownCpuMs,
    async ask(question) {
      const { sql, values } = sqlOf(question);
      return answerOfRows((await connection.runAndReadAll(sql, values)).getRowObjects());
    },
    close() {
      appender.closeSync();
      connection.closeSync();
      instance.closeSync();
      return { bytes: folderBytes(folder) };
    },
  };
}
