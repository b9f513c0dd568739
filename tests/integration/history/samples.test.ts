import type { SamplesBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { fill, get, hourMs, openScene, secondMs, utc } from "../../support/questions.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";
import { startServer } from "../../support/start-server.ts";

describe("samples", () => {
  test.each(["last", "first"])(
    "are walked page by page from the %s one, each exactly once, while new and late ones come in",
    async (take) => {
      const server = await openScene();
      const fromMs = utc("2025-06-01T12:00:00Z");
      // Several at the same instant: the order goes on by epoch and number.
      await fill(server, fromMs, fromMs + 1_000, 1, (at) => ({ solar: { power: at } }));
      const twins = Array.from({ length: 50 }, (_, at) =>
        sampleAt(fromMs + 500, at, { solar: { power: -1 } }, { epoch: 9 }),
      );
      await server.store.append([batchOf(twins)]);
      const seen: string[] = [];
      let query = `from=2025-06-01T12:00:00Z&take=${take}`;
      for (let page = 0; ; page++) {
        const { body } = await get<SamplesBody>(server, `/devices/ems_001/samples?limit=37&${query}`);
        seen.push(...body.samples.map(({ observed_at, telemetry }) => `${observed_at} ${telemetry.solar?.power}`));
        if (body.next_cursor === null) break;
        query = `cursor=${body.next_cursor}`;
        // Where the walk began at the newest, these are newer; where it began at the oldest, these lie outside its range.
        await server.store.append([
          batchOf([sampleAt(Date.now() + hourMs, page, { solar: { power: 0 } }, { epoch: 11 })]),
        ]);
      }
      expect(seen).toHaveLength(1_050);
      expect(new Set(seen).size).toBe(1_001);
      expect(seen.filter((each) => each.endsWith(" -1"))).toHaveLength(50);
    },
  );

  test("can be asked for by points, and keep the numbers as they were sent", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T12:00:00Z");
    await fill(server, fromMs, fromMs + 2_000, secondMs, () => ({
      battery: { soc: 0.1, power: 1e-7 },
      grid: { power: 1 },
    }));
    const path = "/devices/ems_001/samples?from=2025-06-01T12:00:00Z&points=battery.power";
    const { body } = await get<SamplesBody>(server, path);
    expect(body.samples[0]?.telemetry).toEqual({
      device_id: "ems_001",
      timestamp: "2025-06-01T12:00:00.000Z",
      battery: { power: 1e-7 },
    });
  });

  test.each(["x", "eyJmIjoxfQ", "%00", "../../etc", "e30", "bnVsbA", "W10", "a".repeat(400)])(
    "refuse the cursor %s, and say so",
    async (cursor) => {
      const server = await openScene();
      for (const path of ["/devices/ems_001/samples", "/devices", "/events"]) {
        const refused = await get<object>(server, `${path}?cursor=${cursor}`);
        expect(refused).toMatchObject({ status: 400, body: { code: "invalid_cursor" } });
      }
    },
  );
});

test("devices come page by page, and can be filtered", async () => {
  const server = await startServer();
  for (let at = 0; at < 25; at++) {
    server.devices.add({
      deviceId: `d${String(at).padStart(2, "0")}`,
      name: `Cellar ${at}`,
      properties: { country: at % 2 ? "SE" : "AT" },
    });
  }
  const walk = async (query: string): Promise<string[]> => {
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await get<{ devices: { device_id: string }[]; next_cursor: string | null }>(
        server,
        `/devices?limit=4&${query}${cursor}`,
      );
      found.push(...body.devices.map(({ device_id }) => device_id));
      if (body.next_cursor === null) return found;
      cursor = `&cursor=${body.next_cursor}`;
    }
  };
  expect(await walk("")).toHaveLength(25);
  expect(await walk("property=country:SE")).toHaveLength(12);
  expect(await walk("q=cellar%202")).toEqual(["d02", "d20", "d21", "d22", "d23", "d24"]);
  expect(await walk("online=true")).toEqual([]);
  expect((await get(server, "/devices?online=maybe")).status).toBe(400);
});
