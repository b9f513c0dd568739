import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { deviceDetail, metric, samplesCounted, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { ask, openDoors, openSolMate, openWebClient, said, update } from "../../support/smart-os.ts";
import { openDevice, openSocket } from "../../support/sockets.ts";
import { startServer, temporaryFolder } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

describe("what is kept", () => {
  test("a sample holds what the device said before, until it has been away for five minutes", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    // Nobody answers pings while an hour passes at once.
    const server = await startServer({ clock, settings: { ...openDoors, "heartbeat.ping_ms": "86400000" } });
    const first = await openSolMate(server.wsUrl);
    await ask(first, update("0001", { battery: 50, power_income: 100 }));
    clock.advance(3_600_000);
    await ask(first, update("0001", { power_income: 110 }));
    expect((await deviceDetail(server, "0001")).latest?.telemetry).toMatchObject({ battery: { soc: 50 } });
    clock.advance(5 * 60_000 + 1);
    const second = await openSolMate(server.wsUrl);
    await ask(second, update("0001", { power_income: 120 }));
    expect((await deviceDetail(server, "0001")).latest?.telemetry).not.toHaveProperty("battery");
  });

  test("a silent device is idle while it is connected, for an hour; then it is stale, and offline when it is gone", async () => {
    const clock = new ManualClock(Date.UTC(2026, 6, 1, 9));
    const server = await startServer({ clock, settings: { ...openDoors, "heartbeat.ping_ms": "86400000" } });
    const every = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    every.send(sampleOf("ems_001", { timestamp: new Date(clock.wallMs()).toISOString() }));
    const solMate = await openSolMate(server.wsUrl);
    await ask(solMate, update("0001", { battery: 50 }));
    const freshness = async () => {
      const values = await Promise.all(
        ["ems_001", "0001"].map(async (id) => (await deviceDetail(server, id)).freshness),
      );
      const latest = await fetch(`${server.url}/api/v1/devices/0001/latest`);
      expect((await latest.json()) as object).toMatchObject({ freshness: values[1] });
      return values;
    };
    await eventually(async () => expect(await freshness()).toEqual(["live", "live"]));
    clock.advance(10_000);
    expect(await freshness()).toEqual(["late", "idle"]);
    clock.advance(50 * 60_000);
    expect(await freshness()).toEqual(["stale", "idle"]);
    clock.advance(10 * 60_000);
    expect(await freshness()).toEqual(["stale", "stale"]);
    await ask(solMate, update("0001", { battery: 51 }));
    expect(await freshness()).toEqual(["stale", "live"]);
    solMate.webSocket.close();
    await eventually(async () => expect(await freshness()).toEqual(["stale", "offline"]));
  });

  test("a battery that was at 350 is no percentage, and nothing is lost", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    const shown = async () => (await deviceDetail(server, "0001")).latest?.telemetry as unknown;
    await ask(solMate, update("0001", { battery: 80 }));
    expect(await shown()).toMatchObject({ battery: { soc: 80 } });
    await ask(solMate, update("0001", { battery: 350 }));
    expect(await shown()).toMatchObject({ battery: { soc: null }, smart_os: { battery: 350 } });
    await ask(solMate, update("0001", { battery: 80, power_income: -3_000, power_consumption: "n/a" }));
    expect(await shown()).toMatchObject({
      battery: { soc: null },
      solar: { power: null },
      smart_os: { battery: 80, power_income: -3_000, power_consumption: "n/a" },
    });
    await ask(solMate, update("0001", { power_income: 3 }));
    expect(await shown()).toMatchObject({ solar: { power: 3 }, smart_os: { battery: 80 } });
    expect((await openWebClient(server.wsUrl)).dataset).toMatchObject([
      { battery: 80, power_income: 3, power_consumption: "n/a" },
    ]);
  });

  test("properties and the last sample are there again after a restart", async () => {
    const dataDir = temporaryFolder();
    const first = await startServer({ dataDir, settings: openDoors });
    const solMate = await openSolMate(first.wsUrl);
    await ask(solMate, update("0001", { postcode: 7445, software_version: "v2.0", battery: 350, colour: "red" }));
    await first.stop();
    const second = await startServer({ dataDir, settings: openDoors });
    expect((await openWebClient(second.wsUrl)).dataset).toMatchObject([
      { serial_number: "0001", postcode: "7445", software_version: "v2.0", battery: 350, colour: "red" },
    ]);
  });

  test("a device cannot say of itself what only an administrator may, nor more than 32 things", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`text_${at}`, "x"]));
    const answer = await ask(
      solMate,
      update("0001", { site: "harbour", peers: "site", simulated: "true", dialect: "x", country: "AT", ...many }),
    );
    expect(answer).toBe(said("0001:0001", "OK"));
    const { properties } = await deviceDetail(server, "0001");
    expect(properties).toMatchObject({ dialect: "smart-os", country: "AT", text_30: "x" });
    expect(Object.keys(properties)).toHaveLength(33);
    expect(properties).not.toHaveProperty("site");
  });

  test("points that nobody knows are kept too, up to their bound", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = await openSolMate(server.wsUrl);
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`value_${at}`, at]));
    expect(await ask(solMate, update("0001", many))).toBe(said("0001:0001", "OK"));
    expect(await ask(solMate, update("0001", { value_1: 7 }))).toBe(said("0001:0001", "OK"));
    const { telemetry } = (await deviceDetail(server, "0001")).latest ?? {};
    const section = (telemetry as unknown as { smart_os: object }).smart_os;
    expect(Object.keys(section)).toHaveLength(48);
    expect(section).toMatchObject({ value_1: 7, value_47: 47 });
    await eventually(async () => {
      const samples = await storedSamples(server, "0001");
      expect(samples.at(-1)?.telemetry).toMatchObject({ smart_os: { value_1: 7 } });
    });
  });
});

test("an update reaches the fleet feed as any other device's sample", async () => {
  const server = await startServer({ settings: openDoors });
  const fleet = await openSocket(`${server.wsUrl}/ws/fleet`);
  const solMate = await openSolMate(server.wsUrl);
  await ask(solMate, update("0001", { battery: 42, power_income: 388, country: "AT" }));
  await eventually(() => {
    const rows = fleet.received.flatMap((frame) => (JSON.parse(frame).devices ?? []) as { id: string }[]);
    expect(rows.at(-1)).toMatchObject({
      id: "0001",
      online: true,
      properties: { dialect: "smart-os", country: "AT" },
      points: { "battery.soc": 42, "solar.power": 388 },
    });
  });
  expect(await samplesCounted(server, "accepted")).toBe(1);
  expect(await metric(server, 'wattboard_connections{role="update"}')).toBe(1);
});
