import { connectDevice, type DeviceNotice, type PeerSample, systemClock } from "@wattboard/device";
import { isRefusal } from "@wattboard/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { deviceDetail } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { ask, openDoors, openSolMate } from "../../support/smart-os.ts";
import { openDevice, openSocket, type TestSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const settings = { ...openDoors, "access.peers": "true" };
const subscribe = { type: "peers", subscribe: true };

function addDevice(server: TestServer, deviceId: string, properties: Record<string, string>): string {
  const added = server.devices.add({ deviceId, properties });
  if (isRefusal(added)) throw new Error(added.message);
  return added.token;
}

async function openSpeaking(server: TestServer, deviceId: string, token: string): Promise<TestSocket> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = await openSocket(`${server.wsUrl}/ws/device/${deviceId}`, { headers, protocols: ["wattboard.v1"] });
  await socket.receive(1);
  socket.received.shift();
  return socket;
}

function idsOf(frames: readonly string[]): string[] {
  return frames.map((frame) => JSON.parse(frame).telemetry.device_id);
}

describe("the peers of a device", () => {
  test("are those of its site: it gets their newest samples as they were sent, and what comes", async () => {
    const server = await startServer({ settings });
    const token = addDevice(server, "ems_001", { site: "harbour", peers: "site" });
    const near = await openDevice(server.wsUrl, "ems_002", addDevice(server, "ems_002", { site: "harbour" }));
    const far = await openDevice(server.wsUrl, "ems_003", addDevice(server, "ems_003", { site: "hill" }));
    const sample = JSON.stringify(sampleOf("ems_002"));
    near.send(sample);
    far.send(sampleOf("ems_003"));
    await eventually(async () => expect((await deviceDetail(server, "ems_003")).accepted).toBe(1));
    const device = await openSpeaking(server, "ems_001", token);
    device.send(subscribe);
    expect(await device.receive(2)).toEqual([
      '{"type":"peers","device_ids":["ems_002"]}',
      `{"type":"peer","telemetry":${sample}}`,
    ]);
    near.send(sampleOf("ems_002", { battery: { soc: 86 } }));
    expect(JSON.parse((await device.receive(3))[2] ?? "").telemetry.battery).toEqual({ soc: 86 });
    device.send({ type: "peers", subscribe: false });
    expect((await device.receive(4))[3]).toBe('{"type":"peers","device_ids":[]}');
  });

  test("are those that somebody was given together with it, where its right says so", async () => {
    const server = await startServer({ settings });
    const token = addDevice(server, "ems_001", { peers: "owner" });
    for (const id of ["ems_002", "ems_003"]) {
      const device = await openDevice(server.wsUrl, id, addDevice(server, id, {}));
      device.send(sampleOf(id));
    }
    server.people.add({ name: "anna", role: "viewer", devices: ["ems_001", "ems_003", "gone"] });
    server.people.add({ name: "boss", role: "admin", devices: null });
    const device = await openSpeaking(server, "ems_001", token);
    device.send(subscribe);
    const [answer, ...rest] = await device.receive(2);
    expect(answer).toBe('{"type":"peers","device_ids":["ems_003"]}');
    expect(idsOf(rest)).toEqual(["ems_003"]);
  });

  test("are nobody once the right is taken away, also for who listens already", async () => {
    const server = await startServer({ settings });
    const token = addDevice(server, "ems_001", { site: "harbour", peers: "site" });
    const near = await openDevice(server.wsUrl, "ems_002", addDevice(server, "ems_002", { site: "harbour" }));
    near.send(sampleOf("ems_002"));
    const device = await openSpeaking(server, "ems_001", token);
    device.send(subscribe);
    await device.receive(2);
    server.devices.change("ems_001", { properties: { peers: null } });
    near.send(sampleOf("ems_002"));
    // What it would have been sent in this second is sent to somebody else.
    const other = await openSpeaking(
      server,
      "ems_004",
      addDevice(server, "ems_004", { site: "harbour", peers: "site" }),
    );
    other.send(subscribe);
    await other.receive(2);
    expect(device.received).toHaveLength(2);
    device.send(subscribe);
    expect((await device.receive(3))[2]).toMatch(/^\{"type":"peers","device_ids":\[\],"reason":"The device may not/);
  });

  test("are at most 64, the first by their ids", async () => {
    const server = await startServer({ settings });
    for (let at = 100; at < 180; at++) addDevice(server, `ems_${at}`, { site: "harbour", peers: "site" });
    const { token } = server.devices.rotate("ems_100") as { token: string };
    const device = await openSpeaking(server, "ems_100", token);
    device.send(subscribe);
    const [answer = ""] = await device.receive(1);
    const { device_ids: ids } = JSON.parse(answer);
    expect(ids).toHaveLength(64);
    expect([ids[0], ids[63]]).toEqual(["ems_101", "ems_164"]);
  });
});

describe("a device with the SDK", () => {
  /** It waits a fiftieth of the time that it would. */
  const hurried = {
    ...systemClock,
    setTimeout: (run: () => void, delayMs: number) => systemClock.setTimeout(run, delayMs / 50),
  };

  function connect(server: TestServer, token: string) {
    const notices: DeviceNotice[] = [];
    const device = connectDevice({
      url: server.url,
      deviceId: "ems_001",
      token,
      journal: "memory",
      clock: hurried,
      random: () => 0,
      log: (notice) => notices.push(notice),
    });
    onTestFinished(() => device.stop());
    const samples: PeerSample[] = [];
    const told: (readonly [readonly string[], string | null])[] = [];
    const subscribePeers = () =>
      device.subscribePeers({
        onSample: (sample) => samples.push(sample),
        onPeers: (deviceIds, reason) => told.push([deviceIds, reason]),
      });
    return { device, notices, samples, told, subscribePeers };
  }

  async function startPair() {
    const server = await startServer({ settings });
    const token = addDevice(server, "ems_001", { site: "harbour", peers: "site" });
    const near = await openDevice(server.wsUrl, "ems_002", addDevice(server, "ems_002", { site: "harbour" }));
    near.send(sampleOf("ems_002", { battery: { soc: 40 } }));
    return { server, token, near, ...connect(server, token) };
  }

  test("gets the samples of its peers, until it has unsubscribed", async () => {
    const { device, near, samples, told, subscribePeers } = await startPair();
    // Before there is a link.
    const unsubscribe = subscribePeers();
    await eventually(() => expect(samples).toMatchObject([{ device_id: "ems_002", battery: { soc: 40 } }]));
    expect(told).toEqual([[["ems_002"], null]]);
    near.send(sampleOf("ems_002", { battery: { soc: 41 } }));
    await eventually(() => expect(samples[1]).toMatchObject({ battery: { soc: 41 } }));
    unsubscribe();
    near.send(sampleOf("ems_002", { battery: { soc: 42 } }));
    // A new subscription on the same link begins with what is newest; nothing came between the two.
    subscribePeers();
    await eventually(() => expect(samples[2]).toMatchObject({ battery: { soc: 42 } }));
    expect(device.counters).toMatchObject({ peerSamples: 3, malformedFrames: 0 });
  });

  test("is told of them again after a reconnect", async () => {
    const { server, token, device, near, samples, told, subscribePeers } = await startPair();
    subscribePeers();
    await eventually(() => expect(samples).toHaveLength(1));
    await openDevice(server.wsUrl, "ems_001", token);
    await eventually(() => expect(device.counters.links).toBe(2));
    near.send(sampleOf("ems_002", { battery: { soc: 43 } }));
    await eventually(() => expect(samples.at(-1)).toMatchObject({ battery: { soc: 43 } }));
    expect(told).toEqual([
      [["ems_002"], null],
      [["ems_002"], null],
    ]);
  });

  test("is told why it gets nothing, and gets it once it has the right and asks again", async () => {
    const { server, notices, samples, told, subscribePeers } = await startPair();
    server.devices.change("ems_001", { properties: { peers: null } });
    subscribePeers();
    await eventually(() => expect(told).toEqual([[[], expect.stringContaining("access.peers")]]));
    expect(notices.find(({ code }) => code === "peers_refused")?.message).toMatch(/^No samples of other devices: /);
    server.devices.change("ems_001", { properties: { peers: "site" } });
    subscribePeers();
    await eventually(() => expect(samples).toHaveLength(1));
    expect(told[1]).toEqual([["ems_002"], null]);
  });

  test("goes on where a handler throws, and says so", async () => {
    const { server, token } = await startPair();
    const { device, notices } = connect(server, token);
    device.subscribePeers({
      onSample: () => {
        throw new Error("no");
      },
    });
    await eventually(() => expect(notices.map(({ message }) => message)).toContain("onSample failed."));
    expect(device.status.state).toBe("online");
  });
});

test("a SolMate gets the samples of its site as updates, whatever dialect they came in", async () => {
  const server = await startServer({ settings });
  const [mine, other] = [await openSolMate(server.wsUrl), await openSolMate(server.wsUrl)];
  await ask(mine, { type: "UPDT", message: '0001:0001:{"battery": 1}' });
  await ask(other, { type: "UPDT", message: '0001:0002:{"battery": 2}' });
  const device = await openDevice(server.wsUrl, "ems_001", addDevice(server, "ems_001", { site: "harbour" }));
  device.send(sampleOf("ems_001"));
  const wanted = { type: "PEER", message: '0002:0001:{"subscribe": true}' };
  expect(await ask(mine, wanted)).toBe('{"type": "INFO", "message": "0002:0001:ERROR"}');
  server.devices.change("0001", { properties: { site: "harbour", peers: "site" } });
  server.devices.change("0002", { properties: { site: "harbour" } });
  expect(await ask(mine, wanted)).toBe('{"type": "INFO", "message": "0002:0001:OK"}');
  const frames = (await mine.receive(5)).slice(3).map((frame) => JSON.parse(frame));
  expect(frames[0]).toEqual({ type: "UPDT", message: '0000:0002:{"battery":2}' });
  expect(frames[1].message).toMatch(/^0000:ems_001:\{"battery":85/);
});

test("it is off unless switched on: nobody gets anything, and is told so", async () => {
  const server = await startServer({ settings: openDoors });
  const device = await openSpeaking(
    server,
    "ems_001",
    addDevice(server, "ems_001", { site: "harbour", peers: "site" }),
  );
  device.send(subscribe);
  expect((await device.receive(1))[0]).toContain("access.peers");
  expect((await deviceDetail(server, "ems_001")).dropped).toEqual({ peers_not_allowed: 1 });
});
