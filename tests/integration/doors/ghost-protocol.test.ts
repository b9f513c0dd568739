import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { deviceDetail, events, metric, readiness, samplesCounted, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { clientFrame, handshakeRequest, opcodes, openRawDevice, RawSocket } from "../../support/raw-socket.ts";
import { openDashboard, openDevice, type TestSocket, tryOpenSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

/** A sample that carries its number, and how to find it again. */
const numbered = (number: number): string => JSON.stringify(sampleOf("ems_001", { solar: { power: number } }));
const numbersOf = (frames: readonly string[]): number[] => frames.map((frame) => JSON.parse(frame).solar.power);

const links = (server: TestServer): Promise<number> => metric(server, 'wattboard_connections{role="device"}');

function knock(server: TestServer, token: string): ReturnType<typeof tryOpenSocket> {
  return tryOpenSocket(`${server.wsUrl}/ws/device/ems_001`, { headers: { authorization: `Bearer ${token}` } });
}

describe("one device, one connection", () => {
  test("a newer connection wins: the older one is closed with 1008 `replaced`", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const older = await openDevice(server.wsUrl, "ems_001", token);
    const newer = await openDevice(server.wsUrl, "ems_001", token);
    expect(await older.closed).toEqual({ code: 1008, reason: "replaced" });

    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    newer.send(numbered(1));
    expect(numbersOf(await dashboard.receive(1))).toEqual([1]);
    expect(await metric(server, "wattboard_takeovers_total")).toBe(1);
  });

  test("the devices of other ids keep their connection", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const other = await openDevice(server.wsUrl, "ems_002", server.addDevice("ems_002"));
    await openDevice(server.wsUrl, "ems_001", token);
    await openDevice(server.wsUrl, "ems_001", token);
    const dashboard = await openDashboard(server.wsUrl, "ems_002");
    other.send(sampleOf("ems_002"));
    await dashboard.receive(1);
    expect(other.webSocket.readyState).toBe(other.webSocket.OPEN);
  });

  test("a hundred connections at once, all believed, leave exactly one, and it works", async () => {
    const server = await startServer({ settings: { "takeover.max": "1000" } });
    const token = server.addDevice("ems_001");
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const all = await Promise.all(Array.from({ length: 100 }, () => openDevice(server.wsUrl, "ems_001", token)));

    const ended: { code: number; reason: string }[] = [];
    for (const each of all) void each.closed.then((closed) => ended.push(closed));
    await eventually(async () => expect(await links(server)).toBe(1));
    await eventually(() => expect(ended).toHaveLength(99));
    expect(new Set(ended.map(({ code, reason }) => `${code} ${reason}`))).toEqual(new Set(["1008 replaced"]));
    const survivors = all.filter(({ webSocket }) => webSocket.readyState === webSocket.OPEN);
    expect(survivors).toHaveLength(1);
    survivors[0]?.send(numbered(7));
    expect(numbersOf(await dashboard.receive(1))).toEqual([7]);
    expect((await deviceDetail(server, "ems_001")).online).toBe(true);
  });

  test("a hundred clones at once are contained: six are let in, the sixth stays, the others get 429", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const all = await Promise.all(Array.from({ length: 100 }, () => knock(server, token)));
    const opened = all.filter((each): each is TestSocket => "webSocket" in each);
    expect(opened).toHaveLength(6);
    expect(all.filter((each) => "status" in each && each.status === 429)).toHaveLength(94);
    await eventually(() =>
      expect(opened.filter(({ webSocket }) => webSocket.readyState === webSocket.OPEN)).toHaveLength(1),
    );
    await eventually(async () => expect(await links(server)).toBe(1));
  });
});

describe("what an old socket can still do", () => {
  test("its late close removes nothing: the newer connection stays registered", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const old = await openRawDevice(server.url, "ems_001", token);
    const current = await openDevice(server.wsUrl, "ems_001", token);
    expect(await old.closeFrame()).toEqual({ code: 1008, reason: "replaced" });
    const before = await deviceDetail(server, "ems_001");
    expect(await links(server)).toBe(2);

    old.write(clientFrame(Buffer.from([0x03, 0xf0]), { opcode: opcodes.close }));
    old.socket.destroy();
    await eventually(async () => expect(await links(server)).toBe(1));
    const after = await deviceDetail(server, "ems_001");
    expect(after.online).toBe(true);
    expect(after.connected_at).toBe(before.connected_at);
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    current.send(numbered(1));
    await dashboard.receive(1);
  });

  test("the end of the current socket takes the device offline", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const older = await openDevice(server.wsUrl, "ems_001", token);
    const current = await openDevice(server.wsUrl, "ems_001", token);
    await older.closed;
    current.webSocket.close();
    await eventually(async () => expect((await deviceDetail(server, "ems_001")).online).toBe(false));
    expect((await deviceDetail(server, "ems_001")).connected_at).toBeNull();
  });

  test("what it sends after the takeover is neither shown nor stored, but counted as fenced", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const old = await openRawDevice(server.url, "ems_001", token);
    old.send(numbered(1));
    await dashboard.receive(1);
    const current = await openDevice(server.wsUrl, "ems_001", token);
    for (let number = 100; number < 110; number++) old.send(numbered(number));
    await eventually(async () => expect(await samplesCounted(server, "fenced")).toBe(10));
    current.send(numbered(2));

    expect(numbersOf(await dashboard.receive(2))).toEqual([1, 2]);
    await eventually(async () => {
      const stored = await storedSamples(server, "ems_001");
      expect(stored.map(({ telemetry }) => telemetry.solar?.power)).toEqual([1, 2]);
    });
    const detail = await deviceDetail(server, "ems_001");
    expect(detail.dropped).toEqual({ fenced: 10 });
    expect(detail.accepted).toBe(2);
  });

  test("order is kept across a takeover in the same instant: nothing old comes after anything new", async () => {
    const server = await startServer({ settings: { "takeover.max": "1000" } });
    const token = server.addDevice("ems_001");
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const rounds = 12;
    let old = await openRawDevice(server.url, "ems_001", token);
    let first = 1;
    for (let round = 0; round < rounds; round++) {
      const challenger = await RawSocket.connect(server.url);
      const burst = Array.from({ length: 8 }, (_, at) => clientFrame(numbered(first + at)));
      const next = Array.from({ length: 4 }, (_, at) => clientFrame(numbered(first + 8 + at)));
      const opening = handshakeRequest("/ws/device/ems_001", { authorization: `Bearer ${token}` });
      // Both in one tick, in either order: the server finds both sockets readable at once. The newer one does not wait for its 101.
      if (round % 2 === 0) {
        old.write(...burst);
        challenger.write(opening, ...next);
      } else {
        challenger.write(opening, ...next);
        old.write(...burst);
      }
      const lastOfRound = first + 11;
      await eventually(() => expect(numbersOf(dashboard.received)).toContain(lastOfRound));
      old.socket.destroy();
      old = challenger;
      first += 12;
    }
    const numbers = numbersOf(dashboard.received);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    // The newer socket's four are all there, whatever became of the older one's.
    const fromNewer = numbers.filter((number) => (number - 1) % 12 >= 8);
    expect(fromNewer).toHaveLength(rounds * 4);
    await eventually(async () => {
      const stored = await storedSamples(server, "ems_001");
      expect(stored.map(({ telemetry }) => telemetry.solar?.power)).toEqual(numbers);
    });
  });

  test("it is destroyed where it does not answer the close within two seconds", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    const token = server.addDevice("ems_001");
    const old = await openRawDevice(server.url, "ems_001", token);
    await openDevice(server.wsUrl, "ems_001", token);
    await old.closeFrame();

    clock.advance(1_999);
    expect(await links(server)).toBe(2);
    expect(old.isEnded).toBe(false);
    clock.advance(1);
    await old.ended();
    await eventually(async () => expect(await links(server)).toBe(1));
  });
});

describe("clone containment", () => {
  async function takeOverFiveTimes(server: TestServer, token: string): Promise<TestSocket> {
    let current = await openDevice(server.wsUrl, "ems_001", token);
    for (let takeovers = 0; takeovers < 5; takeovers++) {
      const previous = current;
      current = await openDevice(server.wsUrl, "ems_001", token);
      await previous.closed;
    }
    return current;
  }

  test("the sixth takeover in a minute gets 429 with Retry-After, and the incumbent stays", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    const token = server.addDevice("ems_001");
    const incumbent = await takeOverFiveTimes(server, token);
    clock.advance(20_000);

    const challenger = await knock(server, token);
    expect(challenger).toMatchObject({ status: 429 });
    expect(challenger).toHaveProperty("headers.retry-after", "40");
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    incumbent.send(numbered(1));
    expect(numbersOf(await dashboard.receive(1))).toEqual([1]);
    expect(await metric(server, 'wattboard_handshakes_refused_total{door="device",code="contested"}')).toBe(1);
  });

  test("an event says that two devices share the token, once and not for every knock", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    const token = server.addDevice("ems_001");
    await takeOverFiveTimes(server, token);
    for (let knocks = 0; knocks < 10; knocks++) await knock(server, token);

    const contested = (await events(server)).filter(({ kind }) => kind === "contested");
    expect(contested).toHaveLength(1);
    expect(contested[0]).toMatchObject({ device_id: "ems_001" });
    expect(contested[0]?.message).toContain("two devices share this token");
  });

  test("when the minute is over a takeover works again", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    const token = server.addDevice("ems_001");
    const incumbent = await takeOverFiveTimes(server, token);
    await passTime(clock, server, 59_000);
    const early = await knock(server, token);
    expect(early).toMatchObject({ status: 429 });
    expect(early).toHaveProperty("headers.retry-after", "1");
    await passTime(clock, server, 1_000);
    const challenger = await knock(server, token);
    expect(challenger).toHaveProperty("webSocket");
    expect(await incumbent.closed).toEqual({ code: 1008, reason: "replaced" });
  });

  test("one device that reconnects in an orderly way is never taken for two", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    for (let connects = 0; connects < 12; connects++) {
      const device = await openDevice(server.wsUrl, "ems_001", token);
      device.webSocket.close();
      await device.closed;
      await eventually(async () => expect((await deviceDetail(server, "ems_001")).online).toBe(false));
    }
    expect(await metric(server, "wattboard_takeovers_total")).toBe(0);
  });

  test("a dead incumbent does not lock its own device out: it is asked for a sign of life, and cut", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    const token = server.addDevice("ems_001");
    for (let takeovers = 0; takeovers < 5; takeovers++) await openDevice(server.wsUrl, "ems_001", token);
    const dead = await openRawDevice(server.url, "ems_001", token);

    expect(await knock(server, token)).toMatchObject({ status: 429 });
    await eventually(() => expect(dead.frames.map(({ opcode }) => opcode)).toContain(opcodes.ping));
    clock.advance(11_000);
    await dead.ended();
    await eventually(async () => expect((await deviceDetail(server, "ems_001")).online).toBe(false));
    expect(await knock(server, token)).toHaveProperty("webSocket");
  });
});

/**
 * Moves time on in steps, and lets what the peers answer come in after each: a request that is answered later than a pong was written is a
 * barrier, because the server reads its sockets in turn.
 */
async function passTime(clock: ManualClock, server: TestServer, forMs: number): Promise<void> {
  for (let leftMs = forMs; leftMs > 0; leftMs -= 5_000) {
    await readiness(server);
    clock.advance(Math.min(5_000, leftMs));
    await readiness(server);
    await readiness(server);
  }
}
