import { join } from "node:path";
import { connectDevice, type Device, type DeviceOptions, memoryJournal } from "@wattboard/device";
import { expect, onTestFinished, test } from "vitest";
import { deviceDetail, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { startServer, type TestServer, temporaryFolder } from "../../support/start-server.ts";

/** The SDK and a real server: what is sent while either is away is stored once. */

/** A device that comes again at once, which the test may stop. */
function connect(server: { url: string }, token: string, options: DeviceOptions = {}): Device {
  const device = connectDevice({
    url: server.url,
    deviceId: "ems_001",
    token,
    journal: "memory",
    random: () => 0,
    log: () => {},
    ...options,
  });
  onTestFinished(() => device.stop());
  return device;
}

const send = (device: Device, from: number, to: number) => {
  for (let number = from; number <= to; number++) expect(device.send({ solar: { power: number } })).toBe(true);
};

async function storedNumbers(server: TestServer): Promise<number[]> {
  const from = new Date(Date.now() - 3_600_000).toISOString();
  const stored = await storedSamples(server, "ems_001", `limit=10000&from=${from}`);
  return stored.map(({ telemetry }) => Number(telemetry.solar?.power)).sort((a, b) => a - b);
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

test.each([
  ["in memory", () => "memory"],
  ["on disk", () => join(temporaryFolder(), "journal")],
])(
  "what was sent before, during and after an outage of the server is stored once, with a journal %s",
  async (_where, journal) => {
    const dataDir = temporaryFolder();
    const first = await startServer({ dataDir });
    const port = new URL(first.url).port;
    const token = first.addDevice("ems_001");
    const device = connect(first, token, { journal: journal(), softwareVersion: "7.1" });
    send(device, 1, 20);
    await eventually(() => expect(device.status.state).toBe("online"));
    send(device, 21, 40);
    await eventually(() => expect(device.waiting).toBe(0));
    await first.stop();
    await eventually(() => expect(device.status.state).not.toBe("online"));
    send(device, 41, 300);
    expect(device.waiting).toBe(260);
    const second = await startServer({ dataDir, settings: { port } });
    await eventually(() => expect(device.status.state).toBe("online"));
    send(device, 301, 310);
    await eventually(() => expect(device.waiting).toBe(0), { withinMs: 20_000 });
    expect(await device.flush()).toBe(true);
    expect(device.counters).toMatchObject({ stored: 310, lost: 0 });
    expect(await storedNumbers(second)).toEqual(upTo(310));
    const detail = await deviceDetail(second, "ems_001");
    expect(detail.latest?.telemetry).toMatchObject({ solar: { power: 310 } });
    expect(detail.journal).toMatchObject({ durable: 310, missing: 0 });
  },
);

test("a program that starts anew goes on with the samples and numbers that it left on the disk", async () => {
  const server = await startServer();
  const token = server.addDevice("ems_001");
  const journal = join(temporaryFolder(), "journal");
  const nowhere = connect({ url: "http://127.0.0.1:9" }, token, { journal });
  send(nowhere, 1, 50);
  await nowhere.stop();
  const device = connect(server, token, { journal });
  expect(device.waiting).toBe(50);
  send(device, 51, 60);
  await eventually(() => expect(device.waiting).toBe(0), { withinMs: 20_000 });
  expect(await storedNumbers(server)).toEqual(upTo(60));
});

test("what the server drops for its rate comes again", async () => {
  const server = await startServer({ settings: { "limits.messages_burst": "40", "limits.messages_per_second": "40" } });
  const device = connect(server, server.addDevice("ems_001"));
  await eventually(() => expect(device.status.state).toBe("online"));
  send(device, 1, 60);
  await eventually(
    () => {
      if (device.waiting > 0 && device.counters.sent < 70)
        send(device, device.counters.sent + 1, device.counters.sent + 1);
      expect(device.waiting).toBe(0);
    },
    { withinMs: 30_000 },
  );
  expect(await storedNumbers(server)).toEqual(upTo(device.counters.sent));
});

test("what a journal had no room for is an event of the device", async () => {
  const server = await startServer();
  const token = server.addDevice("ems_001");
  const device = connect({ url: server.url }, token, { journal: memoryJournal({ bytesMax: 5_000 }) });
  send(device, 1, 200);
  await eventually(() => expect(device.status.state).toBe("online"));
  await eventually(() => expect(device.waiting).toBe(0), { withinMs: 20_000 });
  const { lost } = device.counters;
  expect(lost).toBeGreaterThan(100);
  expect(await storedNumbers(server)).toEqual(upTo(200).slice(lost));
});
