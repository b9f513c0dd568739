import { expect, it } from "vitest";
import { fleetRow } from "./fleet-row.fixture.ts";
import { fleetTotals } from "./fleet-totals.ts";

const nowMs = 100_000;

it("sums both ways of grid and battery apart", () => {
  const totals = fleetTotals(
    [
      fleetRow({ id: "a", observed_at_ms: nowMs, points: { "grid.power": 500, "battery.power": -300 } }),
      fleetRow({ id: "b", observed_at_ms: nowMs, points: { "grid.power": -700, "battery.power": 200 } }),
    ],
    nowMs,
  );
  expect(totals).toMatchObject({ importingW: 500, sellingW: 700, chargingW: 200, dischargingW: 300, counted: 2 });
});

it("counts no power of a device that is offline, stale or silent", () => {
  const points = { "solar.power": 1_000 };
  const totals = fleetTotals(
    [
      fleetRow({ id: "live", observed_at_ms: nowMs - 1_000, points }),
      fleetRow({ id: "stale", observed_at_ms: nowMs - 31_000, points }),
      fleetRow({ id: "offline", online: false, observed_at_ms: nowMs, points }),
      fleetRow({ id: "silent", observed_at_ms: null }),
    ],
    nowMs,
  );
  expect(totals).toMatchObject({ devices: 4, online: 3, counted: 1, solarW: 1_000 });
});

it("counts what a connected SolMate said last while it is idle", () => {
  const solMate = { properties: { dialect: "smart-os" }, points: { "solar.power": 300 } };
  const rows = [
    fleetRow({ id: "idle", observed_at_ms: nowMs - 90_000, ...solMate }),
    fleetRow({ id: "gone", online: false, observed_at_ms: nowMs - 90_000, ...solMate }),
  ];
  expect(fleetTotals(rows, nowMs)).toMatchObject({ counted: 1, solarW: 300 });
});

it("tells which sums there are at all: a fleet that measures no grid power has none, not even zero", () => {
  const rows = [
    fleetRow({ id: "a", observed_at_ms: nowMs, points: { "solar.power": 0 } }),
    fleetRow({ id: "b", observed_at_ms: nowMs - 31_000, points: { "grid.power": 500 } }),
  ];
  expect([...fleetTotals(rows, nowMs).told]).toEqual(["solar.power"]);
});

it("means the charge of those that tell one", () => {
  const soc = (id: string, percent?: number) =>
    fleetRow({ id, observed_at_ms: nowMs, points: percent === undefined ? {} : { "battery.soc": percent } });
  expect(fleetTotals([soc("a", 20), soc("b", 60), soc("c")], nowMs).socPercent).toBe(40);
  expect(fleetTotals([soc("c")], nowMs).socPercent).toBeNull();
});
