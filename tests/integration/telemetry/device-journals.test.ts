import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { deviceDetail, events, metric, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { JournalDevice } from "../../support/journal-device.ts";
import { openDashboard, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, type TestServer, temporaryFolder } from "../../support/start-server.ts";

const secondsAgo = (seconds: number): Date => new Date(Date.now() - seconds * 1_000);
const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** What is stored of the device, by the numbers that it sent, in the order of their times. */
async function storedNumbers(server: TestServer): Promise<number[]> {
  const from = new Date(Date.now() - 3_600_000).toISOString();
  const stored = await storedSamples(server, "ems_001", `limit=10000&from=${from}`);
  return stored.map(({ telemetry }) => Number(telemetry.solar?.power));
}

async function openScene(options: Parameters<typeof startServer>[0] = {}) {
  const server = await startServer(options);
  const token = server.addDevice("ems_001");
  return { server, token, device: await JournalDevice.open(server.wsUrl, "ems_001", token) };
}

test("a hello with a journal is answered with what is durable of it; each sample is acknowledged once it is stored", async () => {
  const { server, device } = await openScene();
  const welcome = await device.hello("one", 1, 0);
  expect(welcome).toMatchObject({ journal_id: "one", durable_seq: 0, pace: { backfill: 1_000 } });
  expect(welcome.limits).toEqual({ frame_bytes: 16_384, messages_per_second: 50 });
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  for (const seq of upTo(5)) device.sendLive(seq);
  await device.acked(5);
  expect(await storedNumbers(server)).toEqual(upTo(5));
  // Dashboards get the message as it was, without the number; and it is no point.
  const shown = (await dashboard.receive(5)).map((text) => JSON.parse(text));
  expect(shown.map(({ solar }) => solar.power)).toEqual(upTo(5));
  expect(shown.some((message) => "seq" in message)).toBe(false);
  const [stored] = await storedSamples(server, "ems_001");
  expect(stored?.telemetry).not.toHaveProperty("seq");
});

test("the number may stand anywhere in the message, and a message without one is stored as ever", async () => {
  const { server, device } = await openScene();
  await device.hello("one", 1, 0);
  const { system_status, ...rest } = device.sample(1, new Date()) as Record<string, unknown>;
  device.socket.send({ ...rest, seq: 1, system_status });
  device.socket.send(device.sample(77, new Date()));
  device.socket.send(`{ "seq" : 2, ${JSON.stringify(device.sample(2, new Date())).slice(1)}`);
  await device.acked(2);
  await eventually(async () => expect((await storedNumbers(server)).sort((a, b) => a - b)).toEqual([1, 2, 77]));
  expect((await deviceDetail(server, "ems_001")).latest?.telemetry).not.toHaveProperty("seq");
});

test("live first: what comes later is stored at once, ranges say what is missing, and backfill closes it, without becoming the latest", async () => {
  const { server, device } = await openScene();
  await device.hello("one", 1, 10);
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  for (const seq of [11, 12]) device.sendLive(seq);
  await device.acked(0, [[11, 12]]);
  device.sendBackfill(upTo(6).map((seq) => [seq, secondsAgo(100 - seq)]));
  await device.acked(6, [[11, 12]]);
  expect((await deviceDetail(server, "ems_001")).journal).toEqual({
    id: "one",
    durable_seq: 6,
    durable: 8,
    missing: 4,
  });
  device.sendBackfill(upTo(10, 7).map((seq) => [seq, secondsAgo(100 - seq)]));
  await device.acked(12);
  expect(await storedNumbers(server)).toEqual(upTo(12));
  expect((await deviceDetail(server, "ems_001")).latest?.telemetry).toMatchObject({ solar: { power: 12 } });
  device.sendLive(13);
  const shown = (await dashboard.receive(3)).map((text) => JSON.parse(text).solar.power);
  expect(shown).toEqual([11, 12, 13]);
  expect(await metric(server, "wattboard_backfilled_samples_total")).toBe(10);
});

test("what comes twice is stored once: on one link, across a takeover, and across a restart", async () => {
  const dataDir = temporaryFolder();
  const { server, device, token } = await openScene({ dataDir });
  const first = await device.hello("one", 1, 0);
  for (const seq of [1, 2, 2, 1, 3]) device.sendLive(seq);
  await device.acked(3);
  const second = await JournalDevice.open(server.wsUrl, "ems_001", token);
  expect(await second.hello("one", 1, 3)).toMatchObject({ durable_seq: 3, epoch: first.epoch });
  for (const seq of [2, 3, 4]) second.sendLive(seq);
  second.sendBackfill([
    [3, secondsAgo(5)],
    [4, secondsAgo(4)],
  ]);
  await second.acked(4);
  await server.stop();
  const again = await startServer({ dataDir });
  const third = await JournalDevice.open(again.wsUrl, "ems_001", token);
  expect(await third.hello("one", 3, 4)).toMatchObject({ durable_seq: 4, epoch: first.epoch });
  for (const seq of [3, 4, 5]) third.sendLive(seq);
  await third.acked(5);
  expect(await storedNumbers(again)).toEqual(upTo(5));
  expect(await metric(again, "wattboard_duplicate_samples_total")).toBe(2);
});

test("of two clones that take turns, each finds what it has sent and what still waits for the store", async () => {
  const { server, device: one, token } = await openScene({ settings: { "store.flush_ms": "2000" } });
  await one.hello("one", 1, 0);
  one.sendLive(1);
  await eventually(async () => expect((await deviceDetail(server, "ems_001")).latest).not.toBeNull());
  const other = await JournalDevice.open(server.wsUrl, "ems_001", token);
  await other.hello("other", 1, 0);
  const again = await JournalDevice.open(server.wsUrl, "ems_001", token);
  expect(await again.hello("one", 1, 1)).toMatchObject({ durable_seq: 0 });
  again.sendBackfill([[1, secondsAgo(1)]]);
  await again.acked(1);
  expect(await metric(server, "wattboard_duplicate_samples_total")).toBe(1);
  expect(await storedNumbers(server)).toEqual([1]);
});

test("what a device declares as lost, and what it does not hold any more, counts as acknowledged, and is an event", async () => {
  const { server, device } = await openScene();
  await device.hello("one", 1, 9);
  device.sendLive(10);
  const [from, to] = [secondsAgo(50).toISOString(), secondsAgo(45).toISOString()];
  device.socket.send({ type: "gap", from_seq: 1, to_seq: 5, from, to, reason: "overflow" });
  await device.acked(5, [[10, 10]]);
  await eventually(async () => {
    const [told] = (await events(server)).filter(({ kind }) => kind === "samples_lost");
    expect(told?.message).toBe(`ems_001 has lost 5 samples: its journal was full, measured from ${from} to ${to}.`);
  });
  // Its journal has lost 6 to 8 without a word.
  await device.hello("one", 9, 10);
  device.sendBackfill([[9, secondsAgo(20)]]);
  await device.acked(10);
  expect(await storedNumbers(server)).toEqual([9, 10]);
});

test("a numbered message that is refused is acknowledged, and told: sent again it would be refused again", async () => {
  const { server, device } = await openScene();
  await device.hello("one", 1, 1);
  device.socket.send(`{"seq":2,"device_id":"ems_002","battery":{"soc":1}}`);
  device.socket.send(`{"seq":3,"device_id":"ems_001","battery":{"soc":`);
  device.socket.send({ type: "backfill", samples: [{ seq: 1, ...device.sample(1, new Date()), timestamp: "soon" }] });
  device.sendLive(4);
  await device.acked(4);
  expect(await storedNumbers(server)).toEqual([4]);
  const codes = device.framesOf("refused").map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(["wrong_device", "invalid_json", "invalid_timestamp"]));
});

test("while the store is away live samples go on and are not acknowledged; a device that comes then is welcomed later", async () => {
  const { server, device, token } = await openScene();
  await device.hello("one", 1, 0);
  device.sendLive(1);
  await device.acked(1);
  const release = server.store.stall();
  onTestFinished(release);
  const dashboard = await openDashboard(server.wsUrl, "ems_001");
  device.sendLive(2);
  const second = await JournalDevice.open(server.wsUrl, "ems_001", token);
  second.sendHello("two", 1, 0);
  // It does not wait for the welcome.
  second.sendLive(1);
  await dashboard.receive(3);
  expect(device.framesOf("ack").at(-1)).toMatchObject({ seq: 1 });
  expect(second.framesOf("welcome")).toHaveLength(1);
  // It is told meanwhile that its numbers are understood.
  expect(second.framesOf("pace")).toEqual([{ type: "pace", backfill: 0 }]);
  release();
  await eventually(() => expect(second.framesOf("welcome")).toHaveLength(2));
  second.sendBackfill([[1, secondsAgo(1)]]);
  second.sendLive(2);
  await second.acked(2);
  expect((await storedNumbers(server)).sort((a, b) => a - b)).toEqual([1, 1, 2, 2]);
});

test("whoever declares a gap for each second number gets no further than the bound either", async () => {
  const { device } = await openScene();
  await device.hello("one", 1, 400);
  for (const at of upTo(200)) device.socket.send({ type: "gap", from_seq: 2 * at, to_seq: 2 * at, reason: "lost" });
  device.socket.send({ seq: 1, device_id: "ems_001", nothing: 1 });
  await device.acked(
    2,
    upTo(32, 2).map((at) => [2 * at, 2 * at]),
  );
});

test("a journal's stretches are bounded: live samples beyond are shown, not stored, and are taken as backfill", async () => {
  const { server, device } = await openScene();
  await device.hello("one", 1, 80);
  // Every other one is missing: each is a stretch of its own.
  const sent = upTo(40).map((at) => 2 * at);
  for (const seq of sent) device.sendLive(seq);
  await device.acked(
    0,
    sent.slice(0, 32).map((seq) => [seq, seq]),
  );
  for (const seqs of [upTo(40), upTo(80, 41)]) device.sendBackfill(seqs.map((seq) => [seq, secondsAgo(200 - seq)]));
  await device.acked(80);
  expect((await storedNumbers(server)).sort((a, b) => a - b)).toEqual(upTo(80));
});

test("a server that was restored from an older backup says so, and gets what it lacks, once", async () => {
  const { server, device, token } = await openScene();
  await device.hello("one", 1, 0);
  for (const seq of upTo(3)) device.sendLive(seq);
  await device.acked(3);
  const folder = temporaryFolder();
  await server.store.backup(join(folder, "store.db"), () => {});
  for (const seq of upTo(6, 4)) device.sendLive(seq);
  await device.acked(6);
  await server.stop();
  const restored = await startServer({ dataDir: folder });
  restored.devices.add({ deviceId: "ems_001", token, keepHistory: true });
  const again = await JournalDevice.open(restored.wsUrl, "ems_001", token);
  // It has let go of what was acknowledged, but for the last two.
  expect(await again.hello("one", 5, 6)).toMatchObject({ durable_seq: 3 });
  again.sendLive(7);
  again.sendBackfill([
    [5, secondsAgo(6)],
    [6, secondsAgo(5)],
  ]);
  await again.acked(7);
  expect((await storedNumbers(restored)).sort()).toEqual([1, 2, 3, 5, 6, 7]);
  // What nobody has any more is told.
  await eventually(async () => {
    expect((await events(restored)).map(({ message }) => message)).toContain(
      "ems_001 has lost 1 sample: its journal does not go back that far.",
    );
  });
});

test("devices that come back all at once are let in at a rate; the others are told when to come", async () => {
  const server = await startServer({ settings: { "limits.connects_per_second": "5" } });
  const tokens = upTo(30).map((number) => [`ems_${number}`, server.addDevice(`ems_${number}`)] as const);
  const answers = await Promise.all(
    tokens.map(([id, token]) =>
      tryOpenSocket(`${server.wsUrl}/ws/device/${id}`, { headers: { authorization: `Bearer ${token}` } }),
    ),
  );
  const refused = answers.filter((answer) => "status" in answer);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(10);
  expect(refused.length).toBeGreaterThan(0);
  const seconds = refused.map(({ headers }) => Number(headers["retry-after"]));
  expect(refused[0]).toMatchObject({ status: 503, body: expect.stringContaining("too_many_connects") });
  expect(Math.max(...seconds)).toBeLessThanOrEqual(10);
  expect(new Set(seconds).size).toBeGreaterThan(1);
  // Whoever has no token uses up nothing of it, and learns nothing from it.
  const [stranger] = await Promise.all([tryOpenSocket(`${server.wsUrl}/ws/device/ems_1`)]);
  expect(stranger).toMatchObject({ status: 403 });
});

test("a hello that is said often costs the store one question, and the last one holds", async () => {
  const { server, device } = await openScene();
  const asked = vi.spyOn(server.store, "openJournal");
  const release = server.store.stall();
  onTestFinished(release);
  for (let at = 0; at < 40; at++) device.sendHello(`journal ${at}`, 1, 0);
  device.socket.send({ type: "gap", from_seq: 1, to_seq: 2, from: "soon".repeat(15), to: "later", reason: "lost" });
  await eventually(() => expect(device.framesOf("refused")).toHaveLength(1));
  release();
  await eventually(() =>
    expect(device.framesOf("welcome").at(-1)).toMatchObject({ journal_id: "journal 39", durable_seq: 0 }),
  );
  expect(asked.mock.calls.length).toBeLessThanOrEqual(2);
  expect(device.framesOf("welcome")).toHaveLength(2);
  device.socket.send({ type: "gap", from_seq: 1, to_seq: 2, from: "soon", to: "later", reason: "overflow" });
  device.sendLive(3);
  await device.acked(3);
  await eventually(async () => {
    expect((await events(server)).map(({ message }) => message)).toContain(
      "ems_001 has lost 2 samples: its journal was full.",
    );
  });
});
