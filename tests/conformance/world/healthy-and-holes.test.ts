import type { DeviceEnergyBody, FleetEnergyBody, HistoryBody } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { startServer } from "../../support/start-server.ts";
import { everyStep, getBody, putSamples } from "../../support/world.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const midnightMs = Date.UTC(2026, 5, 10);
const powers = { "grid.power": 500, "solar.power": 0 };
const today = "from=2026-06-10&to=2026-06-11&time_zone=UTC";

test.each([secondMs, minuteMs])(
  "a healthy device that sends each %i ms reads 100 % and no gap, at any minute of its day",
  async (stepMs) => {
    const clock = new ManualClock(midnightMs - hourMs);
    const server = await startServer({ clock });
    server.addDevice("ems_001");
    // Its first sample comes a few seconds after its registration.
    let sentMs = clock.wallMs() + 4 * secondMs;
    for (const minutes of [1, 4, 59, 61, 75, 90, 61 + 15 * 60]) {
      const nowMs = midnightMs - hourMs + minutes * minuteMs + 700;
      clock.advance(nowMs - clock.wallMs());
      await putSamples(server, everyStep(stepMs, sentMs, nowMs, powers));
      sentMs += (Math.floor((nowMs - sentMs) / stepMs) + 1) * stepMs;
      const day = nowMs < midnightMs ? "from=2026-06-09&to=2026-06-10&time_zone=UTC" : today;
      const history = await getBody<HistoryBody>(server, `/devices/ems_001/history?${day}&buckets=300`);
      expect([minutes, history.coverage]).toMatchObject([minutes, { share: 1, gaps: [] }]);
      const energy = await getBody<DeviceEnergyBody>(server, `/devices/ems_001/energy?${day}&per=day`);
      expect([minutes, energy.coverage]).toMatchObject([minutes, { share: 1, gaps: [] }]);
      expect(energy.spans.map(({ coverage }) => coverage)).toEqual([1]);
      expect(await getBody<FleetEnergyBody>(server, `/fleet/energy?${day}&per=day`)).toMatchObject({ coverage: 1 });
    }
  },
);

test("a hole from 00:00 to 03:44 is a hole, whether one day is asked for or two", async () => {
  const server = await startServer({ clock: new ManualClock(midnightMs + 3 * dayMs) });
  server.addDevice("ems_001");
  const endMs = midnightMs + 3 * hourMs + 44 * minuteMs;
  await putSamples(server, everyStep(10 * secondMs, midnightMs - dayMs, midnightMs, powers));
  await putSamples(server, everyStep(10 * secondMs, endMs, midnightMs + dayMs, powers));
  const hole = { from: "2026-06-10T00:00:00.000Z", to: "2026-06-10T03:44:00.000Z" };
  for (const from of ["2026-06-10", "2026-06-09"]) {
    const asked = `from=${from}&to=2026-06-11&time_zone=UTC`;
    const history = await getBody<HistoryBody>(server, `/devices/ems_001/history?${asked}&buckets=300`);
    expect(history.coverage.gaps).toEqual([hole]);
    const energy = await getBody<DeviceEnergyBody>(server, `/devices/ems_001/energy?${asked}&per=hour`);
    expect(energy.coverage.gaps).toEqual([hole]);
    const hours = energy.spans.filter((span) => span.from >= hole.from).map(({ coverage }) => coverage);
    expect(hours.slice(0, 5)).toEqual([0, 0, 0, expect.closeTo(16 / 60, 6), 1]);
  }
});

test("what is before the first sample and the registration is not missing", async () => {
  const clock = new ManualClock(midnightMs + 10 * hourMs);
  const server = await startServer({ clock });
  server.addDevice("ems_001");
  await putSamples(server, everyStep(secondMs, clock.wallMs(), clock.wallMs() + 2 * hourMs, powers));
  clock.advance(2 * hourMs);
  const history = await getBody<HistoryBody>(server, `/devices/ems_001/history?${today}&buckets=300`);
  expect(history.coverage).toEqual({ share: 1, expected_from: "2026-06-10T10:00:00.000Z", gaps: [] });
});
