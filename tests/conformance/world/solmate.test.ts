/** What SolMates, and the Python programs that speak for them, really send (ADR 67); the inputs stand beside this file. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { deviceDetail, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { ask, openDoors, openSolMate } from "../../support/smart-os.ts";
import { startServer } from "../../support/start-server.ts";

test("g01: a battery a little above 100 % is 100.4 %, and those after it are what they are", async () => {
  const server = await startServer({ settings: openDoors });
  const solMate = await openSolMate(server.wsUrl);
  const lines = readFileSync(new URL("g01-battery-a-little-above-100.txt", import.meta.url), "utf8")
    .trim()
    .split("\n");
  for (const line of lines) await ask(solMate, line);
  const samples = await eventually(async () => {
    const found = await storedSamples(server, "0042");
    expect(found).toHaveLength(4);
    return found;
  });
  expect(samples.map(({ telemetry }) => telemetry.battery?.soc)).toEqual([80, 100.4, 99.8, 80]);
  expect((await deviceDetail(server, "0042")).faulty_values).toMatchObject([{ fault: "outside_range", count: 1 }]);
});

test("one value that is no percentage makes the next few doubtful, and no more", async () => {
  const server = await startServer({ settings: openDoors });
  const solMate = await openSolMate(server.wsUrl);
  const seen: unknown[] = [];
  for (const battery of [80, 350, 80, 79, 78, 77, 76]) {
    await ask(solMate, `0001:0042:${JSON.stringify({ battery })}`);
    seen.push((await deviceDetail(server, "0042")).latest?.telemetry.battery?.soc);
  }
  expect(seen).toEqual([80, null, null, null, null, 77, 76]);
});

test("what Python's str() writes costs its own value only", async () => {
  const server = await startServer({ settings: openDoors });
  const solMate = await openSolMate(server.wsUrl);
  const body =
    "{'battery': np.float64(81.5), 'power_income': nan, 'power_inject': 42, 'seen': datetime.datetime(2026, 1, 31, 12, 0), 'raw': b'\\x01', 'tags': {1, 2}, 'power_consumption': '310'}";
  expect(await ask(solMate, `0007:0042:${body}`)).toContain("0007:0042:OK");
  const detail = await deviceDetail(server, "0042");
  expect(detail.latest?.telemetry).toMatchObject({
    battery: { soc: 81.5 },
    inverter: { power: 42 },
    load: { power: 310 },
  });
  expect(detail.faulty_values.map(({ point }) => point).sort()).toEqual(["power_income", "raw", "seen", "tags"]);
});
