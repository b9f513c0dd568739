// Aim: a device that was offline for a day brings back every second of it, and nobody else waits for that.
// Method: a device of the SDK, with its journal on disk, measures a day at one sample a second without a server, is killed and started anew in the middle
// of it, and then finds its server. Another device goes on sending to a dashboard meanwhile. At the end each second must be stored, at its own time,
// or be declared; and the latest is the newest live sample. How live samples fare meanwhile is measured by `npm run bench -- backfill`.
import { connectDevice, type Device, fileJournal } from "@wattboard/device";
import { expect, onTestFinished, test } from "vitest";
import { deviceDetail, events, metric } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { hurriedClock } from "../support/hurried-clock.ts";
import { rounds } from "../support/long-run.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { startServer, temporaryFolder } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

const seconds = rounds(7_200, 86_400);

test(`${seconds / 3_600} hours offline come back, each second at its own time`, async () => {
  const server = await startServer({ settings: { "limits.backfill_per_device": "5000" } });
  const token = server.addDevice("ems_001");
  const journal = temporaryFolder();
  const startMs = Math.floor(Date.now() / 1_000) * 1_000 - seconds * 1_000 - 60_000;
  const open = (url: string): Device => {
    const options = { deviceId: "ems_001", token, url, journal: fileJournal(journal), log: () => {} };
    const device = connectDevice({ ...options, clock: hurriedClock(5) });
    onTestFinished(() => device.stop());
    return device;
  };
  const measure = async (device: Device, from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at++) {
      const timestamp = new Date(startMs + at * 1_000).toISOString();
      expect(device.send({ timestamp, ...physics(at) })).toBe(true);
      // The disk is written beside the event loop.
      if (at % 500 === 499) await device.flush(1);
    }
  };
  const nowhere = "http://127.0.0.1:9";
  const morning = open(nowhere);
  await measure(morning, 0, seconds / 2);
  await morning.stop();
  const evening = open(nowhere);
  await measure(evening, seconds / 2, seconds);
  expect(evening.waiting).toBe(seconds);
  await evening.stop();

  const neighbour = await openDevice(server.wsUrl, "ems_002", server.addDevice("ems_002"));
  const dashboard = await openDashboard(server.wsUrl, "ems_002");
  let live = 0;
  const timer = setInterval(() => {
    live++;
    neighbour.send(sampleOf("ems_002", { solar: { power: live } }));
  }, 100);
  onTestFinished(() => clearInterval(timer));

  const device = open(server.url);
  await eventually(() => expect(device.status.state).toBe("online"));
  device.send({ battery: { soc: 1 } });
  await eventually(() => expect(device.waiting).toBe(0), { withinMs: 600_000 });
  clearInterval(timer);
  expect(device.counters.lost).toBe(0);
  const from = new Date(startMs).toISOString();
  const to = new Date(startMs + (seconds - 1) * 1_000).toISOString();
  const history = `/api/v1/devices/ems_001/history?points=solar.power&from=${from}&to=${to}&buckets=60`;
  const { coverage } = (await (await fetch(server.url + history)).json()) as { coverage: { gaps: { from: string }[] } };
  // Its last bucket reaches beyond the range.
  expect(coverage.gaps.filter((gap) => Date.parse(gap.from) < Date.parse(to))).toEqual([]);
  const detail = await deviceDetail(server, "ems_001");
  expect(detail.journal).toMatchObject({ missing: 0, durable_seq: seconds + 1 });
  expect(detail.latest?.telemetry).toMatchObject({ battery: { soc: 1 } });
  expect(await metric(server, "wattboard_backfilled_samples_total")).toBeGreaterThanOrEqual(seconds);
  expect((await events(server)).filter(({ kind }) => kind === "samples_lost")).toEqual([]);
  // The neighbour has lost nothing, and waited for nothing that could not be waited for.
  await eventually(() => {
    const shown = dashboard.received.map((text) => JSON.parse(text).solar.power);
    expect(shown).toEqual(Array.from({ length: live }, (_, at) => at + 1));
  });
}, 3_600_000);

function physics(at: number) {
  const power = Math.max(0, Math.round(3_000 * Math.sin((at / 86_400) * 2 * Math.PI)));
  return {
    system_status: { state: "CHARGING", mode: "AUTO" },
    solar: { power },
    battery: { soc: Math.round((50 + 20 * Math.sin(at / 10_000)) * 10) / 10, power: power / 2, voltage: 53.2 },
    grid: { power: -power / 2, voltage: 230.1, frequency: 50 },
  };
}
