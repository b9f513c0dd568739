/** Clocks that are off, times as people write them, and backlogs (ADR 68). The inputs stand beside this file. */

import { readFileSync } from "node:fs";
import { readDeviceTime } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { deviceDetail, events, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

const linesOf = (file: string): Record<string, number>[] =>
  readFileSync(new URL(file, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const startMs = Date.UTC(2026, 5, 10, 12);

async function openScene() {
  const clock = new ManualClock(startMs);
  const server = await startServer({ clock, settings: { "heartbeat.ping_ms": "86400000" } });
  const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
  let sent = 0;
  return {
    clock,
    server,
    detail: () => deviceDetail(server, "ems_001"),
    /** Sends a sample with this time of the device, and waits until it is taken. */
    async send(timestamp: unknown, power: number) {
      device.send({ device_id: "ems_001", ...(timestamp !== undefined && { timestamp }), grid: { power } });
      sent++;
      await eventually(async () => expect((await deviceDetail(server, "ems_001")).accepted).toBe(sent));
    },
    async stored() {
      return await eventually(async () => {
        clock.advance(10);
        const samples = await storedSamples(server, "ems_001", "from=2026-06-01T00:00:00Z");
        expect(samples).toHaveLength(sent);
        return samples;
      });
    },
  };
}

test("a09: all forms of time that people send are read", () => {
  const lines = readFileSync(new URL("a09-timestamps.txt", import.meta.url), "utf8").split("\n");
  const forms = lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.slice(17).trim());
  expect(forms).toHaveLength(17);
  for (const form of forms) {
    const written = form.startsWith('"') ? JSON.parse(form) : /^\d+$/.test(form) ? Number(form) : form;
    expect([form, readDeviceTime(written)]).not.toContain(null);
  }
});

test("a10: a clock that was ahead and is set right does not freeze what is live", async () => {
  const { clock, detail, send, stored, server } = await openScene();
  for (const line of linesOf("a10-clock-ahead-then-set-right.ndjson")) {
    const nowMs = startMs + (line.at_s ?? 0) * 1_000;
    clock.advance(nowMs - clock.wallMs());
    await send(new Date(nowMs + (line.clock_offset_s ?? 0) * 1_000).toISOString(), line["grid.power"] ?? 0);
    const { latest, freshness } = await detail();
    expect([latest?.telemetry.grid?.power, freshness]).toEqual([line["grid.power"], "live"]);
  }
  for (const { observed_at, received_at } of await stored()) {
    expect(Date.parse(observed_at)).toBeLessThanOrEqual(Date.parse(received_at));
  }
  expect((await events(server)).map(({ kind }) => kind)).toContain("clock_off");
});

test("a10b: a clock that is 280 s ahead and falls silent is not live", async () => {
  const { clock, detail, send } = await openScene();
  for (const line of linesOf("a10b-clock-280-s-ahead-then-silent.ndjson")) {
    const nowMs = startMs + (line.at_s ?? 0) * 1_000;
    clock.advance(nowMs - clock.wallMs());
    await send(new Date(nowMs + 280_000).toISOString(), 300);
  }
  expect((await detail()).freshness).toBe("live");
  expect((await detail()).clock_offset_ms).toBe(280_000);
  const seen: string[] = [];
  for (const afterMs of [6_000, 25_000, 60_000, 200_000]) {
    clock.advance(afterMs);
    seen.push((await detail()).freshness);
  }
  expect(seen).toEqual(["late", "stale", "stale", "stale"]);
});

test("a clock that is 90 s behind is told, corrected, and not stale for ever", async () => {
  const { clock, detail, send, stored, server } = await openScene();
  for (let second = 0; second < 12; second++) {
    await send(new Date(clock.wallMs() - 90_000).toISOString(), second);
    clock.advance(1_000);
  }
  expect(await detail()).toMatchObject({ freshness: "live", clock_offset_ms: -90_000 });
  expect((await stored()).at(-1)).toMatchObject({
    clock: "server",
    observed_at: new Date(startMs + 11_000).toISOString(),
  });
  const told = (await events(server)).filter(({ kind }) => kind === "clock_off");
  expect(told.map(({ message }) => message)).toEqual(["The clock of ems_001 is 90 s behind; its times are corrected."]);
});

test("a13: a backlog after an outage is filed where it was measured, and never live", async () => {
  const { clock, detail, send, stored } = await openScene();
  clock.advance(3_600_000);
  const nowMs = clock.wallMs();
  const lines = linesOf("a13-backlog-after-outage.ndjson");
  for (const line of lines) {
    await send(new Date(nowMs - (line.measured_s_before_now ?? 0) * 1_000).toISOString(), line["grid.power"] ?? 0);
    expect((await detail()).freshness).toBe("stale");
  }
  expect((await stored()).map(({ observed_at }) => nowMs - Date.parse(observed_at))).toEqual(
    lines.map((line) => (line.measured_s_before_now ?? 0) * 1_000),
  );
  await send(new Date(clock.wallMs()).toISOString(), 7);
  expect(await detail()).toMatchObject({ freshness: "live", latest: { telemetry: { grid: { power: 7 } } } });
});

test("without a readable time a sample is filed under its receipt and marked; one without an offset is UTC, and marked", async () => {
  const { clock, detail, send, stored } = await openScene();
  const times = [undefined, null, "soon", 17, "2026-06-10T12:00:04", startMs / 1_000 + 5];
  for (const [second, timestamp] of times.entries()) {
    await send(timestamp, second);
    clock.advance(1_000);
  }
  const samples = await stored();
  expect(samples.map(({ observed_at }) => (Date.parse(observed_at) - startMs) / 1_000)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(samples.map((sample) => sample.clock)).toEqual(["server", "server", "server", "server", "device", "device"]);
  const { faulty_values, dropped } = await detail();
  expect(Object.fromEntries(faulty_values.map(({ fault, count }) => [fault, count]))).toEqual({
    no_readable_time: 4,
    time_without_offset: 1,
  });
  expect(dropped).toEqual({});
});
