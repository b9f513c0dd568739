import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync } from "hyparquet";
import { expect, test } from "vitest";
import { makeFolder } from "../../support/run-cli.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { startServer } from "../../support/start-server.ts";

test("an export without an end holds what a clock that is ahead has measured, and its Parquet times are in UTC", async () => {
  const server = await startServer();
  server.addDevice("d1");
  const aheadMs = Date.now() + 240_000;
  await server.store.append([batchOf([sampleAt(aheadMs, 0, { grid: { power: 1 } }, { deviceId: "d1" })])]);
  const csv = await (await fetch(`${server.url}/api/v1/export?device=d1`)).text();
  expect(csv).toContain(new Date(aheadMs).toISOString());
  const answer = await fetch(`${server.url}/api/v1/export?device=d1&format=parquet`);
  const file = join(makeFolder(), "all.parquet");
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(file));
  for (const name of ["observed_at", "received_at"]) {
    expect(schema.find((each) => each.name === name)).toMatchObject({
      type: "INT64",
      logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" },
    });
  }
});
