import { connectTelemetry, type SampleOrigin, type StreamGap, type TelemetryOptions } from "@wattboard/client";
import type { Telemetry } from "@wattboard/protocol";
import { ManualClock, ManualSdkClock } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openDashboard, openDevice, openSocket } from "../../support/sockets.ts";
import { startServer, type TestServer, temporaryFolder } from "../../support/start-server.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import { sampleOf } from "../../support/telemetry.ts";

const numbered = (number: number): string =>
  JSON.stringify(
    sampleOf("ems_001", { timestamp: new Date(Date.now() + number).toISOString(), solar: { power: number } }),
  );

/** A client of the package as an author writes it, behind a network that can be broken. */
async function listen(server: TestServer, options: TelemetryOptions = {}) {
  const proxy = await TcpProxy.open(Number(new URL(server.url).port));
  const received: { readonly number: number; readonly origin: SampleOrigin }[] = [];
  const gaps: StreamGap[] = [];
  const stream = connectTelemetry("ems_001", {
    url: proxy.url,
    random: () => 0,
    onTelemetry: (telemetry: Telemetry, _text, { origin }) =>
      received.push({ number: telemetry.solar?.power ?? -1, origin }),
    onGap: (gap) => gaps.push(gap),
    ...options,
  });
  onTestFinished(() => stream.close());
  await eventually(() => expect(stream.status).toBe("OPEN"));
  const numbers = () => received.map(({ number }) => number);
  return { proxy, stream, received, gaps, numbers };
}

/** A device that sends one sample after the other. */
async function numberedDevice(server: TestServer, token = server.addDevice("ems_001")) {
  const device = await openDevice(server.wsUrl, "ems_001", token);
  return { token, send: (...numbers: number[]) => numbers.forEach((number) => void device.send(numbered(number))) };
}

/** For what waits for the history: the server's thread for it starts with the first question. */
const slow = { withinMs: 20_000 };

const upTo = (to: number, from = 1): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe("a dashboard of @wattboard/client", () => {
  test("that comes back within the minute has everything once and in order, without asking the history", async () => {
    const server = await startServer();
    const { send } = await numberedDevice(server);
    const { proxy, stream, gaps, numbers, received } = await listen(server, { fill: undefined });
    send(...upTo(10));
    await eventually(() => expect(numbers()).toHaveLength(10));
    proxy.refuse();
    proxy.cut();
    await eventually(() => expect(stream.status).toBe("CLOSED"));
    send(...upTo(60, 11));
    proxy.refuse(false);
    await eventually(() => expect(numbers()).toHaveLength(60));
    send(61);
    await eventually(() => expect(numbers()).toHaveLength(61));
    expect(numbers()).toEqual(upTo(61));
    expect(received.slice(1).every(({ origin }) => origin === "live")).toBe(true);
    expect(gaps).toEqual([]);
  });

  test("that missed more than 300 frames has them from the history, between those of before and the newest", async () => {
    const server = await startServer();
    const { send } = await numberedDevice(server);
    const { proxy, stream, gaps, numbers, received } = await listen(server);
    send(...upTo(10));
    await eventually(() => expect(numbers()).toHaveLength(10));
    proxy.refuse();
    proxy.cut();
    await eventually(() => expect(stream.status).toBe("CLOSED"));
    send(...upTo(400, 11));
    proxy.refuse(false);
    await eventually(() => expect(numbers().length).toBeGreaterThanOrEqual(400), slow);
    send(401);
    await eventually(() => expect(numbers()).toHaveLength(401));
    expect(numbers()).toEqual(upTo(401));
    expect(received.filter(({ origin }) => origin === "history")).toHaveLength(389);
    expect(gaps.map(({ filled }) => filled)).toEqual([true]);
  });

  test("is told of the gap where it does not read the history", async () => {
    const server = await startServer();
    const { send } = await numberedDevice(server);
    const { proxy, stream, gaps, numbers } = await listen(server, { fill: undefined });
    send(1);
    await eventually(() => expect(numbers()).toEqual([1]));
    proxy.refuse();
    proxy.cut();
    await eventually(() => expect(stream.status).toBe("CLOSED"));
    send(...upTo(400, 2));
    await eventually(async () => expect(await storedSamples(server, "ems_001")).toHaveLength(400));
    proxy.refuse(false);
    await eventually(() => expect(numbers()).toEqual([1, 400]));
    expect(gaps).toMatchObject([{ after: { solar: { power: 1 } }, before: { solar: { power: 400 } }, filled: false }]);
  });

  test("goes on after a restart of the server: another stream, and what was missed from the history", async () => {
    const dataDir = temporaryFolder();
    const first = await startServer({ dataDir });
    const { send, token } = await numberedDevice(first);
    const { proxy, stream, gaps, numbers } = await listen(first);
    send(...upTo(5));
    await eventually(() => expect(numbers()).toHaveLength(5));
    proxy.refuse();
    await first.stop();
    await eventually(() => expect(stream.status).toBe("CLOSED"));
    const second = await startServer({ dataDir });
    const device = await numberedDevice(second, token);
    device.send(...upTo(9, 6));
    proxy.targetPort = Number(new URL(second.url).port);
    proxy.refuse(false);
    await eventually(() => expect(numbers()).toHaveLength(9), slow);
    device.send(10);
    await eventually(() => expect(numbers()).toHaveLength(10));
    expect(numbers()).toEqual(upTo(10));
    expect(gaps.map(({ filled }) => filled)).toEqual([true]);
  });

  test("gets nothing twice where the server restarted and the device has not come back", async () => {
    const dataDir = temporaryFolder();
    const first = await startServer({ dataDir });
    const { send } = await numberedDevice(first);
    const { proxy, gaps, numbers } = await listen(first);
    send(1, 2);
    await eventually(() => expect(numbers()).toEqual([1, 2]));
    proxy.refuse();
    await first.stop();
    const second = await startServer({ dataDir });
    proxy.targetPort = Number(new URL(second.url).port);
    proxy.refuse(false);
    await eventually(() => expect(gaps).toHaveLength(1));
    expect({ numbers: numbers(), filled: gaps[0]?.filled }).toEqual({ numbers: [1, 2], filled: true });
  });

  test("tells the gap, and goes on with what waited, where the history does not answer", async () => {
    const server = await startServer();
    const { send } = await numberedDevice(server);
    const { proxy, stream, gaps, numbers } = await listen(server);
    send(1);
    await eventually(() => expect(numbers()).toEqual([1]));
    proxy.refuse();
    proxy.cut();
    await eventually(() => expect(stream.status).toBe("CLOSED"));
    send(...upTo(400, 2));
    await eventually(async () => expect(await storedSamples(server, "ems_001")).toHaveLength(400));
    // One connection is let in, for the stream; the questions to the history are reset.
    proxy.refuse(false);
    await eventually(() => expect(stream.status).toBe("OPEN"));
    proxy.refuse();
    send(...upTo(720, 401));
    await eventually(() => expect(gaps).toHaveLength(1), slow);
    await eventually(() => expect(numbers().at(-1)).toBe(720), slow);
    // Where the first question was faster than the door that closed, nothing is missing.
    expect(numbers()).toEqual(gaps[0]?.filled === true ? upTo(720) : [1, ...upTo(720, 400)]);
  });
});

test("a link that is frozen, so that neither end is told, is noticed by its missing beats, and nothing is lost", async () => {
  const clock = new ManualClock();
  const clientClock = new ManualSdkClock();
  const server = await startServer({ clock });
  const { send } = await numberedDevice(server);
  const proxy = await TcpProxy.open(Number(new URL(server.url).port));
  const numbers: number[] = [];
  const gaps: StreamGap[] = [];
  const stream = connectTelemetry("ems_001", {
    url: proxy.url,
    clock: clientClock,
    random: () => 0,
    fill: undefined,
    onTelemetry: ({ solar }) => numbers.push(solar?.power ?? -1),
    onGap: (gap) => gaps.push(gap),
  });
  onTestFinished(() => stream.close());
  clientClock.advance(0);
  await eventually(() => expect(stream.status).toBe("OPEN"));
  for (let second = 0; second < 10; second++) clock.advance(1_000);
  // It comes behind the beat.
  send(1);
  await eventually(() => expect(numbers).toEqual([1]));
  proxy.freeze();
  send(2, 3);
  clientClock.advance(24_999);
  expect(stream.status).toBe("OPEN");
  clientClock.advance(1);
  expect(stream.status).toBe("CLOSED");
  proxy.thaw();
  clientClock.advance(1_000);
  await eventually(() => expect(numbers).toEqual([1, 2, 3]));
  send(4);
  await eventually(() => expect(numbers).toEqual([1, 2, 3, 4]));
  expect(gaps).toEqual([]);
});

describe("the door", () => {
  const open = (server: TestServer, query = "") =>
    openSocket(`${server.wsUrl}/ws/dashboard/ems_001${query}`, { protocols: ["wattboard.v1"] });

  test("gives places to who speaks the subprotocol, and a plain client its bytes unchanged, whatever its address says", async () => {
    const server = await startServer();
    const { send } = await numberedDevice(server);
    const plain = await openDashboard(server.wsUrl, "ems_001?epoch=1&offset=2");
    const numberedDashboard = await open(server);
    const texts = [numbered(1), numbered(2)];
    const device = await openDevice(server.wsUrl, "ems_002", server.addDevice("ems_002"));
    device.send(sampleOf("ems_002"));
    send(1);
    const [text = ""] = await plain.receive(1);
    const [, frame = ""] = await numberedDashboard.receive(2);
    expect(JSON.parse(text)).toMatchObject({ solar: { power: 1 } });
    expect(Object.keys(JSON.parse(text)).slice(0, 2)).toEqual(Object.keys(JSON.parse(texts[0] ?? "")).slice(0, 2));
    expect(frame.replace(/^\{"epoch":\d+,"offset":\d+,"received_at_ms":\d+,/, "{")).toBe(text);
  });

  test.each([
    "?epoch=1&offset=2",
    "?epoch=x&offset=-1",
    "?offset=1",
    "?epoch=&epoch=&offset=%00",
    "?epoch=1e999&offset=1e999",
    "?=&&%%%",
  ])("answers %s with what is the newest, and that something was missed", async (query) => {
    const server = await startServer();
    const { send } = await numberedDevice(server);
    send(1);
    await eventually(async () => expect(await storedSamples(server, "ems_001")).toHaveLength(1));
    const [welcome, sample] = await (await open(server, query)).receive(2);
    expect(JSON.parse(welcome ?? "")).toMatchObject({ type: "welcome", recovered: false, online: true });
    expect(JSON.parse(sample ?? "")).toMatchObject({ solar: { power: 1 } });
  });

  test("sends a beat every ten seconds to those who speak the subprotocol, at the fleet's door too", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    server.addDevice("ems_001");
    const watching = await open(server);
    const fleet = await openSocket(`${server.wsUrl}/ws/fleet`, { protocols: ["wattboard.v1"] });
    const plain = await openDashboard(server.wsUrl, "ems_001");
    const plainFleet = await openSocket(`${server.wsUrl}/ws/fleet`);
    for (let second = 0; second < 30; second++) clock.advance(1_000);
    const beats = (texts: string[]) => texts.filter((text) => JSON.parse(text).type === "beat");
    await eventually(() => expect([watching, fleet].map(({ received }) => beats(received).length)).toEqual([3, 3]));
    expect(beats(plainFleet.received)).toEqual([]);
    expect(plain.received).toEqual([]);
  });

  test("tells at once that the device has come and gone", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const dashboard = await open(server);
    const device = await openDevice(server.wsUrl, "ems_001", token);
    await dashboard.receive(2);
    // A newer link of the same device is no change.
    const newer = await openDevice(server.wsUrl, "ems_001", token);
    await device.closed;
    newer.webSocket.terminate();
    const told = (await dashboard.receive(3)).map((text) => JSON.parse(text));
    expect(told.map(({ type, online }) => [type, online])).toEqual([
      ["welcome", false],
      ["presence", true],
      ["presence", false],
    ]);
  });
});
