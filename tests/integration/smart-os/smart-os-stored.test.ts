import { expect, onTestFinished, test } from "vitest";
import { storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { ask, openDoors, openSolMate, said, update } from "../../support/smart-os.ts";
import { openDashboard } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";

test("by setting OK means stored: it waits for the store, though the sample is shown at once", async () => {
  const server = await startServer({ settings: { ...openDoors, "smart_os.ok_after": "stored" } });
  const device = await openSolMate(server.wsUrl);
  expect(await ask(device, update("0001", { battery: 50 }))).toBe(said("0001:0001", "OK"));
  expect(await storedSamples(server, "0001")).toHaveLength(1);

  const dashboard = await openDashboard(server.wsUrl, "0001");
  const release = server.store.stall();
  onTestFinished(release);
  for (const id of ["0002", "0003"]) device.send(update("0001", { battery: 51 }, id));
  // What is not stored is answered as ever.
  device.send({ ...update("0001", { battery: 51 }, "0004"), type: "INFO" });
  await dashboard.receive(3);
  await device.receive(2);
  expect(device.received.slice(1)).toEqual([said("0004:0001", "OK")]);
  release();
  await eventually(() => expect(device.received.slice(2)).toEqual([said("0002:0001", "OK"), said("0003:0001", "OK")]));
});

test("what will not be stored, since the queue to the store is full, is answered with ERROR", async () => {
  const settings = {
    ...openDoors,
    "smart_os.ok_after": "stored",
    "store.flush_bytes": "65536",
    "store.queue_bytes": "1048576",
  };
  const server = await startServer({ settings: { ...settings, "limits.messages_burst": "100000" } });
  const device = await openSolMate(server.wsUrl);
  expect(await ask(device, update("0001", { battery: 50 }))).toBe(said("0001:0001", "OK"));
  const release = server.store.stall();
  onTestFinished(release);
  const ballast = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`note_${at}`, at * 1.001]));
  for (let id = 2; id < 4_000; id++)
    device.send(update("0001", { battery: 50, ...ballast }, String(id).padStart(4, "0")));
  await eventually(() => expect(device.received.some((text) => text.includes("ERROR"))).toBe(true));
  release();
  await device.receive(3_999);
  const stored = device.received.filter((text) => text.includes("OK")).length;
  await eventually(async () => {
    expect(await storedSamples(server, "0001", "limit=10000")).toHaveLength(stored);
  });
});
