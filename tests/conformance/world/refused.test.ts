import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { deviceDetail, events, metric, samplesCounted } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { startServe } from "../../support/run-cli.ts";
import { openSocket, type TestSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

/** What the author of a device learns of messages that are refused, who sees nothing of the server. */

function openV1(server: TestServer, token: string): Promise<TestSocket> {
  return openSocket(`${server.wsUrl}/ws/device/ems_001`, {
    headers: { authorization: `Bearer ${token}` },
    protocols: ["wattboard.v1"],
  });
}

/** The frames that tell of refusals, so far. */
function told({ received }: TestSocket): { code: string; message: string; count: number }[] {
  return received.map((text) => JSON.parse(text)).filter(({ type }) => type === "refused");
}

test("a device that speaks wattboard.v1 is told each reason by itself; a plain one gets nothing", async () => {
  const server = await startServer();
  const token = server.addDevice("ems_001");
  const device = await openV1(server, token);
  for (const message of ["garbage", sampleOf("ems_002"), { type: "hello", commands: 1 }]) device.send(message);
  await eventually(() => expect(told(device)).toHaveLength(3));
  expect(told(device)).toEqual([
    { type: "refused", code: "invalid_json", message: expect.stringContaining("JSON"), count: 1 },
    { type: "refused", code: "wrong_device", message: expect.stringContaining("device_id"), count: 1 },
    { type: "refused", code: "invalid_frame", message: expect.stringContaining("commands"), count: 1 },
  ]);

  const plain = await openSocket(`${server.wsUrl}/ws/device/ems_001`, {
    headers: { authorization: `Bearer ${token}` },
  });
  plain.send("garbage");
  await eventually(async () => expect(await samplesCounted(server, "invalid_json")).toBe(2));
  expect(plain.received).toEqual([]);
});

async function refusalEvents(server: TestServer) {
  return (await events(server)).filter(({ kind }) => kind === "messages_refused");
}

test("the rest of a burst is told as the first is, in one frame after 10 s; many at once are an event", async () => {
  const clock = new ManualClock();
  const server = await startServer({ clock, settings: { "limits.messages_burst": "3" } });
  const device = await openV1(server, server.addDevice("ems_001"));
  for (let sent = 0; sent < 203; sent++) device.send(sampleOf("ems_001"));
  await eventually(async () => expect(await samplesCounted(server, "rate_limited")).toBe(200));
  expect(told(device)).toMatchObject([{ code: "rate_limited", count: 1 }]);
  clock.advance(10_000);
  await eventually(() => expect(told(device)).toHaveLength(2));
  expect(told(device)[1]).toMatchObject({ code: "rate_limited", count: 199 });
  expect(await refusalEvents(server)).toMatchObject([
    { device_id: "ems_001", message: expect.stringContaining("200 messages of ems_001") },
  ]);
});

test("a few refusals are no event, and become one when they last a minute: one an hour", async () => {
  const clock = new ManualClock();
  const server = await startServer({ clock });
  const device = await openV1(server, server.addDevice("ems_001"));
  for (let minute = 0; minute < 12; minute++) {
    device.send("garbage");
    await eventually(() => expect(told(device)).toHaveLength(minute + 1));
    expect(await refusalEvents(server)).toHaveLength(minute * 10 >= 60 ? 1 : 0);
    clock.advance(10_000);
  }
});

test.each([
  ["frame_too_large", 1009, (device: TestSocket) => device.send("x".repeat(17_000))],
  ["binary_frame", 1003, (device: TestSocket) => device.webSocket.send(Buffer.from("{}"))],
  ["invalid_utf8", 1007, (device: TestSocket) => device.webSocket.send(Buffer.from([0xff]), { binary: false })],
])(
  "what ends a link is shown on the device's page and counted, as any other refusal: %s",
  async (code, closeCode, send) => {
    // A server that is not read pauses: the flood is of pings, which closes.
    const server = await startServer({ settings: { "limits.messages_burst": "1", "limits.messages_per_second": "1" } });
    const device = await openV1(server, server.addDevice("ems_001"));
    send(device);
    expect(await device.closed).toMatchObject({ code: closeCode });
    await eventually(async () =>
      expect(await deviceDetail(server, "ems_001")).toMatchObject({ dropped: { [code]: 1 }, last_refusal: { code } }),
    );
    expect(await samplesCounted(server, code)).toBe(1);
    expect(await metric(server, `wattboard_links_ended_total{door="device",end="breach"}`)).toBe(1);
  },
);

test("the log has each reason of a device, and the close code with which the server ended a link", async () => {
  const server = await startServe();
  const token = await server.addDevice("ems_001");
  const device = await openSocket(`${server.url.replace("http", "ws")}/ws/device/ems_001`, {
    headers: { authorization: `Bearer ${token}` },
  });
  for (const message of ["garbage", sampleOf("ems_002"), "x".repeat(17_000)]) device.send(message);
  await device.closed;
  await eventually(() => {
    const lines = server.logs();
    const dropped = lines.filter(({ msg }) => msg.startsWith("message dropped")).map(({ code }) => code);
    expect(dropped).toEqual(["invalid_json", "wrong_device", "frame_too_large"]);
    expect(lines).toContainEqual(expect.objectContaining({ msg: "device disconnected", end: "breach", code: 1009 }));
  });
});

test("who speaks wattboard.v1 is told by the range of the close code when to come again; a plain client gets 1008", async () => {
  const server = await startServer();
  const token = server.addDevice("ems_001");
  const plain = await openSocket(`${server.wsUrl}/ws/device/ems_001`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const first = await openV1(server, token);
  expect(await plain.closed).toEqual({ code: 1008, reason: "replaced" });
  const second = await openV1(server, token);
  expect(await first.closed).toEqual({ code: 4300, reason: "replaced" });
  second.webSocket.terminate();
});
