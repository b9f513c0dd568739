import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceEnergyBody, FleetTotalsBody, HistoryBody } from "@wattboard/protocol";
import { expect, test } from "vitest";
import { makeFolder, runCli } from "../../support/run-cli.ts";
import { startServer } from "../../support/start-server.ts";
import { everyStep, getBody, inputText, putSamples, readSamples } from "../../support/world.ts";

/** What one question about energy and one about points say of the range, which must be the same. */
async function measured(server: Awaited<ReturnType<typeof startServer>>, from: string, to: string, buckets = 300) {
  const range = `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
  const energy = await getBody<DeviceEnergyBody>(server, `/devices/ems_001/energy?${range}&per=hour&time_zone=UTC`);
  const history = await getBody<HistoryBody>(server, `/devices/ems_001/history?${range}&buckets=${buckets}`);
  return { energy, history };
}

test.each([
  ["a sample each 60 s", "b01-every-60-s.ndjson", "2026-06-10T12:00:00Z", "2026-06-10T12:15:00Z", { imported: 250 }],
  [
    "three messages a second, a section each",
    "a11-three-messages-of-one-second.ndjson",
    "2026-06-10T12:00:00Z",
    "2026-06-10T12:00:09Z",
    { imported: (600 * 9) / 3_600, produced: (300 * 9) / 3_600, consumed: (900 * 9) / 3_600 },
  ],
] as const)("%s is measured whole: coverage 1, no gap, all of its energy", async (_what, input, from, to, expected) => {
  for (const times of [1, 2]) {
    const server = await startServer();
    server.addDevice("ems_001");
    const samples = readSamples(input);
    await putSamples(server, times === 1 ? samples : samples.flatMap((each) => [each, each]));
    const { energy, history } = await measured(server, from, to);
    expect(history.coverage).toMatchObject({ share: 1, gaps: [] });
    for (const [name, wh] of Object.entries(expected)) {
      expect(energy.total[`${name as keyof typeof expected}_wh`]).toBeCloseTo(wh, 2);
    }
  }
});

test("the totals of a fleet cover what its devices cover, also where a device tells less often than a bucket is wide", async () => {
  const server = await startServer();
  for (const id of ["ems_001", "ems_002"]) server.addDevice(id);
  const startMs = Date.parse("2026-06-10T12:00:00Z");
  const points = { "grid.power": 600 };
  await putSamples(server, everyStep(5 * 60_000, startMs, startMs + 3_600_000, points), "ems_001");
  await putSamples(server, everyStep(10_000, startMs, startMs + 1_800_000, points), "ems_002");
  const totals = await getBody<FleetTotalsBody>(
    server,
    "/fleet/totals?from=2026-06-10T12:00:00Z&to=2026-06-10T13:00:00Z&buckets=60",
  );
  // What was told is summed as it was told: every fifth minute by both, the others by one.
  expect(totals.devices.slice(0, 6)).toEqual([2, 1, 1, 1, 1, 2]);
  expect(totals.bucket_coverage).toEqual([...Array(30).fill(1), ...Array(30).fill(0.5)]);
  expect(totals.coverage).toMatchObject({ share: 0.75, gaps: [] });
});

test("a portal's export of 15 minutes is imported as measured whole, hour by hour", async () => {
  const server = await startServer();
  server.addDevice("ems_001");
  const csv = join(makeFolder(), "portal.csv");
  const [, ...rows] = inputText("f05-portal-15-min.csv").trim().split("\n");
  writeFileSync(csv, ["time,grid.power,solar.power,load.power,battery.soc", ...rows].join("\n"));
  await server.stop();
  const { stdout, stderr } = await runCli([
    "import",
    csv,
    "--device",
    "ems_001",
    "--time",
    "time",
    "--data-dir",
    server.dataDir,
  ]);
  expect(stdout + stderr).toContain("97 samples stored");
  const again = await startServer({ dataDir: server.dataDir });
  const { energy, history } = await measured(again, "2026-05-01T00:00:00+02:00", "2026-05-02T00:00:00+02:00");
  expect(history.coverage).toMatchObject({ share: 1, gaps: [] });
  expect(energy.coverage).toMatchObject({ share: 1, gaps: [] });
  for (const span of energy.spans) {
    expect(span).toMatchObject({
      coverage: 1,
      imported_wh: expect.closeTo(400, 3),
      produced_wh: expect.closeTo(600, 3),
      consumed_wh: expect.closeTo(1_000, 3),
    });
  }
  expect(energy.spans).toHaveLength(24);
});
