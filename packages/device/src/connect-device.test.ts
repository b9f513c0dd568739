import { getEventListeners } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { eventually, ManualClock, type ServerLink, startServer, type TestServer } from "@wattboard/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { connectDevice } from "./connect-device.ts";
import type { Device, DeviceStatus } from "./device.ts";
import type { DeviceNotice, DeviceOptions } from "./device-options.ts";

const token = "sBrIr9wSkn@d*]@z6";
const sample = { battery: { voltage: 53.2, soc: 85 } };

/** A device on a clock that stands still, which spreads nothing at random; it is stopped when the test ends. */
function start(options: DeviceOptions & { url: string }) {
  const clock = new ManualClock();
  const notices: DeviceNotice[] = [];
  const statuses: DeviceStatus[] = [];
  const device = connectDevice({
    deviceId: "ems_001",
    token,
    clock,
    random: () => 0.5,
    log: (notice) => notices.push(notice),
    onStatus: (status) => statuses.push(status),
    ...options,
  });
  onTestFinished(() => device.stop());
  const codes = () => notices.map(({ code }) => code);
  return { device, clock, notices, statuses, codes };
}

async function becomes(device: Device, state: DeviceStatus["state"]): Promise<DeviceStatus> {
  await eventually(() => expect(device.status.state).toBe(state));
  return device.status;
}

/** The outage and the delay of a device that waits for its next try. */
async function outageOf(device: Device): Promise<{ code: string; message: string; retryInMs: number }> {
  const status = await becomes(device, "waiting");
  if (status.state !== "waiting") throw new Error("unreachable: just waited for");
  return { ...status.outage, retryInMs: status.retryInMs };
}

async function linkOf(server: TestServer, index = 0): Promise<ServerLink> {
  return await eventually(() => {
    const link = server.links[index];
    if (link === undefined) throw new Error(`There is no link ${index} yet.`);
    return link;
  });
}

/** Pings the device, and waits until it has answered. */
async function pingOf(link: ServerLink): Promise<void> {
  const ponged = new Promise<void>((resolve) => link.socket.once("pong", () => resolve()));
  link.socket.ping();
  await ponged;
}

async function online(options: DeviceOptions = {}) {
  const server = await startServer();
  const started = start({ url: server.url, ...options });
  await becomes(started.device, "online");
  return { server, link: await linkOf(server), ...started };
}

/** A port on which nobody listens any more. */
async function deadUrl(): Promise<string> {
  const server = await startServer();
  await server.stop();
  return server.url;
}

describe("a device's link", () => {
  test("goes to the device door with the token in the header, and nowhere else", async () => {
    const { link } = await online();
    expect(link.request.url).toBe("/ws/device/ems_001");
    expect(link.request.headers.authorization).toBe(`Bearer ${token}`);
  });

  test("tells its status and counts", async () => {
    const { device, statuses, codes } = await online();
    expect(statuses).toEqual([{ state: "connecting" }, { state: "online" }]);
    expect(device.counters.links).toBe(1);
    expect(codes()).toEqual(["online"]);
  });

  test("warns once of a token that leaves this machine in the clear", () => {
    const { device, codes } = start({ url: "http://192.0.2.1:8000" });
    void device.stop();
    expect(codes().filter((code) => code === "plain_text_token")).toHaveLength(1);
  });
});

describe("samples", () => {
  test("go out as the contract has them, with id and time added", async () => {
    const { device, link } = await online();
    expect(device.send({ ...sample, solar: { power: 1200, strings: 2 } })).toBe(true);
    await eventually(() => expect(link.texts).toHaveLength(1));
    expect(JSON.parse(link.texts[0] as string)).toEqual({
      device_id: "ems_001",
      timestamp: "2026-01-31T12:00:00.000Z",
      battery: { voltage: 53.2, soc: 85 },
      solar: { power: 1200, strings: 2 },
    });
  });

  test("keep a time of their own, but not another device's id", async () => {
    const { device, link } = await online();
    device.send({ device_id: "ems_002", timestamp: "2026-01-01T00:00:00Z", ...sample });
    await eventually(() => expect(link.texts).toHaveLength(1));
    expect(JSON.parse(link.texts[0] as string)).toMatchObject({
      device_id: "ems_001",
      timestamp: "2026-01-01T00:00:00Z",
    });
  });

  test("are not stored while there is no link: send says so, and counts", async () => {
    const { device } = start({ url: await deadUrl() });
    expect(device.send(sample)).toBe(false);
    await becomes(device, "waiting");
    expect(device.send(sample)).toBe(false);
    expect(device.counters).toMatchObject({ sent: 0, skippedOffline: 2 });
  });

  test("that the server refuses are told with its reason, and counted", async () => {
    const { device, link, notices } = await online();
    link.send({ type: "refused", code: "invalid_json", message: "The frame is not one JSON object.", count: 3 });
    await eventually(() => expect(notices.at(-1)).toMatchObject({ level: "warn", code: "refused" }));
    expect(notices.at(-1)?.message).toMatch(/3 samples.*\(invalid_json\): The frame is not one JSON object\./);
    expect(device.counters.refused).toBe(3);
  });

  test("larger than a frame may be are dropped here, since the server would end the link", async () => {
    const { device, codes } = await online();
    expect(device.send({ ...sample, notes: { text: "å".repeat(8_200) } })).toBe(false);
    expect(device.send(sample)).toBe(true);
    expect(device.counters).toMatchObject({ sent: 1, skippedTooBig: 1 });
    expect(codes()).toContain("sample_too_big");
  });

  test("are dropped, not piled up, while the link takes no more", async () => {
    const { device, link, codes } = await online();
    link.stream.pause();
    const large = { ...sample, notes: { text: "x".repeat(10_000) } };
    let sent = 0;
    // The system's own buffers take some megabytes before the device sees the jam.
    while (sent < 10_000 && device.send(large)) sent++;
    expect(sent).toBeLessThan(10_000);
    expect(device.send(large)).toBe(false);
    expect(device.counters).toMatchObject({ sent, skippedCongested: 2 });
    expect(codes().filter((code) => code === "congested")).toHaveLength(1);

    link.stream.resume();
    await eventually(() => expect(device.send(sample)).toBe(true));
    await eventually(() => expect(link.texts).toHaveLength(sent + 1));
  });
});

describe("read", () => {
  test("is called at once when the link opens, and then at its rate", async () => {
    const read = vi.fn(() => sample);
    const { clock, link } = await online({ read, rateHz: 2 });
    expect(read).toHaveBeenCalledTimes(1);
    clock.advance(499);
    expect(read).toHaveBeenCalledTimes(1);
    clock.advance(1);
    expect(read).toHaveBeenCalledTimes(2);
    clock.advance(10_000);
    expect(read).toHaveBeenCalledTimes(22);
    await eventually(() => expect(link.texts).toHaveLength(22));
  });

  test("is not called to make up for a sleep", async () => {
    const read = vi.fn(() => sample);
    const { clock } = await online({ read });
    clock.sleep(10_500);
    expect(read).toHaveBeenCalledTimes(2);
    clock.advance(999);
    expect(read).toHaveBeenCalledTimes(2);
    clock.advance(1);
    expect(read).toHaveBeenCalledTimes(3);
  });

  test("is called once a second unless told otherwise", async () => {
    const read = vi.fn(() => null);
    const { clock } = await online({ read });
    clock.advance(60_000 - 1);
    expect(read).toHaveBeenCalledTimes(60);
  });

  test("may be asynchronous; a reading that takes too long leaves out the next", async () => {
    let finish: (value: typeof sample) => void = () => {};
    const read = vi.fn(() => new Promise<typeof sample>((resolve) => (finish = resolve)));
    const { device, clock, link, codes } = await online({ read });
    clock.advance(2_000);
    expect(read).toHaveBeenCalledTimes(1);
    expect(device.counters.skippedReading).toBe(2);
    expect(codes().filter((code) => code === "read_slow")).toHaveLength(1);

    finish(sample);
    await eventually(() => expect(link.texts).toHaveLength(1));
    clock.advance(1_000);
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("sends nothing for null", async () => {
    const { device, clock } = await online({ read: () => null });
    clock.advance(3_000);
    expect(device.counters).toMatchObject({ sent: 0, skippedOffline: 0 });
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("I2C");
      },
    ],
    ["rejects", () => Promise.reject(new Error("I2C"))],
    ["gives what is no JSON", () => ({ battery: { voltage: 1n as unknown as number } })],
  ])("that %s is reported, not too often, and called again", async (_how, fail) => {
    const read = vi
      .fn<() => typeof sample | Promise<typeof sample>>(() => sample)
      .mockImplementationOnce(fail as never);
    const { device, clock, link, codes } = await online({ read });
    await eventually(() => expect(device.counters.readFailures).toBe(1));
    clock.advance(1_000);
    await eventually(() => expect(link.texts).toHaveLength(1));
    read.mockImplementation(fail as never);
    clock.advance(1_000);
    await eventually(() => expect(device.counters.readFailures).toBe(2));
    expect(codes().filter((code) => code === "read_failed")).toHaveLength(1);
  });

  test("is not called without a link", async () => {
    const read = vi.fn(() => sample);
    const { device, clock, server } = await online({ read });
    await server.stop();
    await becomes(device, "waiting");
    clock.advance(4_000);
    expect(read).toHaveBeenCalledTimes(1);
  });
});

describe("commands", () => {
  const command = {
    command_id: "cmd_8293",
    action: "SET_MODE",
    payload: { target_mode: "MANUAL_DISCHARGE", target_power: 500 },
  };
  const reset = { command_id: "cmd_8294", action: "RESET_ERROR", payload: {} };

  test("reach the handler in order, while samples go out", async () => {
    const onCommand = vi.fn();
    const { device, clock, link } = await online({ onCommand, read: () => sample });
    link.socket.send(JSON.stringify(command));
    clock.advance(1_000);
    link.socket.send(JSON.stringify(reset));
    await eventually(() => expect(onCommand).toHaveBeenCalledTimes(2));
    expect(onCommand.mock.calls).toEqual([[command], [reset]]);
    expect(device.counters).toMatchObject({ commands: 2, sent: 2 });
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "null"],
    ["an unknown action", JSON.stringify({ ...command, action: "EXPLODE" })],
    ["no command_id", JSON.stringify({ action: "RESET_ERROR", payload: {} })],
    ["an unknown mode", JSON.stringify({ ...command, payload: { target_mode: "FULL_POWER" } })],
    ["a negative power", JSON.stringify({ ...command, payload: { target_mode: "MANUAL_CHARGE", target_power: -1 } })],
    ["a binary frame", Buffer.from(JSON.stringify(reset))],
  ])("with %s are reported, never handed over, and the link lives", async (_what, frame) => {
    const onCommand = vi.fn();
    const { device, link, notices } = await online({ onCommand });
    link.socket.send(frame);
    link.socket.send(JSON.stringify(reset));
    await eventually(() => expect(onCommand).toHaveBeenCalledTimes(1));
    expect(onCommand).toHaveBeenCalledWith(reset);
    expect(device.counters).toMatchObject({ malformedFrames: 1, commands: 1 });
    expect(notices.filter(({ code }) => code === "malformed_frame")).toHaveLength(1);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("inverter");
      },
    ],
    ["rejects", () => Promise.reject(new Error("inverter"))],
  ])("whose handler %s are reported, and the next is carried out", async (_how, fail) => {
    const onCommand = vi.fn<() => void | Promise<void>>().mockImplementationOnce(fail);
    const { device, link, notices } = await online({ onCommand });
    link.socket.send(JSON.stringify(command));
    link.socket.send(JSON.stringify(reset));
    await eventually(() => expect(device.counters.commandFailures).toBe(1));
    await eventually(() => expect(onCommand).toHaveBeenCalledTimes(2));
    expect(notices.find(({ code }) => code === "command_failed")?.error).toEqual(new Error("inverter"));
  });

  test("for a device without a handler are reported", async () => {
    const { link, codes } = await online();
    link.socket.send(JSON.stringify(reset));
    await eventually(() => expect(codes()).toContain("command_unhandled"));
  });
});

describe("the reconnect", () => {
  test("comes after 5 s at first, then later and later, and never gives up", async () => {
    const { device, clock } = start({ url: await deadUrl() });
    const delays: number[] = [];
    for (let tries = 0; tries < 8; tries++) {
      const { code, retryInMs } = await outageOf(device);
      expect(code).toBe("unreachable");
      delays.push(retryInMs);
      clock.advance(retryInMs - 1);
      expect(device.status.state).toBe("waiting");
      clock.advance(1);
      expect(device.status.state).toBe("connecting");
    }
    expect(delays).toEqual([5_000, 5_000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000]);
  });

  test("finds a server that came back on the same address", async () => {
    const { device, clock, server } = await online({ read: () => sample });
    await server.stop();
    expect(await outageOf(device)).toMatchObject({ code: "closed", retryInMs: 5_000 });
    const revived = await startServer(server.port);
    clock.advance(5_000);
    await becomes(device, "online");
    const link = await linkOf(revived);
    await eventually(() => expect(link.texts).toHaveLength(1));
    expect(device.counters).toMatchObject({ links: 2, sent: 2 });
  });

  test("starts anew with 5 s after a link that stayed up, and not after one that did not", async () => {
    const { device, clock, server } = await online();
    const dropLink = async (index: number) => {
      (await linkOf(server, index)).socket.close(1012, "restarting");
      const { retryInMs } = await outageOf(device);
      clock.advance(retryInMs);
      await becomes(device, "online");
      return retryInMs;
    };
    expect([await dropLink(0), await dropLink(1), await dropLink(2)]).toEqual([5_000, 5_000, 10_000]);
    clock.advance(59_999);
    expect(await dropLink(3)).toBe(20_000);
    clock.advance(30_000);
    await pingOf(await linkOf(server, 4));
    clock.advance(30_000);
    expect(await dropLink(4)).toBe(5_000);
  });

  test.each([
    [1008, "replaced", "replaced"],
    [1008, "revoked", "revoked"],
    [1008, "policy", "closed"],
    [4300, "in other words", "replaced"],
    [4301, "in other words", "revoked"],
    [4599, "of a later version", "closed"],
  ])("after %i %s waits 30 to 60 s", async (closeCode, reason, code) => {
    const { device, link } = await online();
    link.socket.close(closeCode, reason);
    expect(await outageOf(device)).toMatchObject({ code, retryInMs: 45_000 });
  });

  test.each([401, 403])("after HTTP %i says what is wrong and what to do, and keeps trying slowly", async (status) => {
    const server = await startServer();
    server.answer = { status };
    const { device, clock, notices } = start({ url: server.url });
    const { code, message, retryInMs } = await outageOf(device);
    expect({ code, retryInMs }).toEqual({ code: "forbidden", retryInMs: 60_000 });
    expect(message).toContain("ems_001");
    expect(message).toContain("token");
    expect(message).toContain("wattboard device add");
    expect(message).not.toContain(token);
    expect(notices.map(({ level, code }) => [level, code])).toEqual([["error", "outage"]]);

    server.answer = undefined;
    clock.advance(60_000);
    await becomes(device, "online");
    expect(server.attempts).toBe(2);
  });

  test.each([
    [429, "20", 22_500],
    [503, "20", 22_500],
    [503, "86400", 337_500],
    [503, "Sat, 31 Jan 2026 12:00:40 GMT", 45_000],
  ])("after HTTP %i with Retry-After %s waits so long, within bounds", async (status, retryAfter, retryInMs) => {
    const server = await startServer();
    server.answer = { status, headers: { "Retry-After": retryAfter } };
    const { device } = start({ url: server.url });
    expect(await outageOf(device)).toMatchObject({ code: "busy", retryInMs });
  });

  test.each([
    [503, "busy", 5_000],
    [502, "unreachable", 5_000],
    [404, "unexpected_answer", 60_000],
    [301, "unexpected_answer", 60_000],
    [200, "unexpected_answer", 60_000],
  ])("after a bare HTTP %i is %s", async (status, code, retryInMs) => {
    const server = await startServer();
    server.answer = { status, headers: { Location: "http://192.0.2.1/" } };
    const { device } = start({ url: server.url });
    expect(await outageOf(device)).toMatchObject({ code, retryInMs });
  });

  test("gives up a handshake that never ends after 20 s", async () => {
    const server = await startServer();
    server.answer = "nothing";
    const { device, clock } = start({ url: server.url });
    await eventually(() => expect(server.attempts).toBe(1));
    clock.advance(19_999);
    expect(device.status.state).toBe("connecting");
    clock.advance(1);
    expect(await outageOf(device)).toMatchObject({ code: "unreachable" });
  });

  test("survives a server that speaks something else", async () => {
    const gibberish = createTcpServer((stream) => stream.on("error", () => {}).end("SSH-2.0-OpenSSH\r\n"));
    await new Promise<void>((resolve) => gibberish.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void gibberish.close());
    const { device } = start({ url: `http://127.0.0.1:${(gibberish.address() as { port: number }).port}` });
    expect(await outageOf(device)).toMatchObject({ code: "unreachable" });
  });

  test("survives a frame that breaks the protocol", async () => {
    const { device, link } = await online();
    link.stream.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect(await outageOf(device)).toMatchObject({ code: "closed", retryInMs: 5_000 });
  });
});

describe("a server that went silent", () => {
  test("is left after 60 s without a frame or a ping", async () => {
    const { device, clock, server } = await online();
    clock.advance(60_000);
    expect(await outageOf(device)).toMatchObject({ code: "silent", retryInMs: 5_000 });
    clock.advance(5_000);
    await becomes(device, "online");
    expect(server.links).toHaveLength(2);
  });

  test("is not left a moment earlier", async () => {
    const { clock, link } = await online();
    clock.advance(59_999);
    await pingOf(link);
  });

  test("is not one that pings", async () => {
    const { device, clock, link } = await online();
    clock.advance(40_000);
    await pingOf(link);
    clock.advance(59_999);
    await pingOf(link);
    clock.advance(60_000);
    await becomes(device, "waiting");
  });

  test("is not one that sends a frame, even a broken one", async () => {
    const { device, clock, link } = await online();
    clock.advance(40_000);
    link.socket.send("{}");
    await eventually(() => expect(device.counters.malformedFrames).toBe(1));
    clock.advance(59_999);
    await pingOf(link);
  });
});

describe("stopping", () => {
  test("by the signal closes with 1000, leaves no timer, and resolves", async () => {
    const abort = new AbortController();
    const { device, clock, link, codes } = await online({ signal: abort.signal, read: () => sample });
    abort.abort();
    await device.stopped;
    expect(device.status).toEqual({ state: "stopped" });
    expect(clock.waiting).toBe(0);
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
    await eventually(() => expect(link.closed).toMatchObject({ code: 1000 }));
    expect(codes()).not.toContain("outage");
    expect(device.send(sample)).toBe(false);
  });

  test("twice is the same as once", async () => {
    const { device } = await online();
    await Promise.all([device.stop(), device.stop()]);
    await device.stop();
    expect(device.status.state).toBe("stopped");
  });

  test("lets go of a signal that outlives the device", async () => {
    const { signal } = new AbortController();
    const { device } = await online({ signal });
    await device.stop();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("carries out no command that is still on its way", async () => {
    const onCommand = vi.fn();
    const { device, link } = await online({ onCommand });
    link.socket.send(JSON.stringify({ command_id: "cmd_8294", action: "RESET_ERROR", payload: {} }));
    await device.stop();
    expect(onCommand).not.toHaveBeenCalled();
  });

  test("before the start connects to nothing", async () => {
    const server = await startServer();
    const { device, clock } = start({ url: server.url, signal: AbortSignal.abort() });
    await device.stopped;
    expect(clock.waiting).toBe(0);
    expect(server.attempts).toBe(0);
  });

  test("while waiting for the next try ends the waiting", async () => {
    const { device, clock } = start({ url: await deadUrl() });
    await becomes(device, "waiting");
    await device.stop();
    expect(clock.waiting).toBe(0);
    expect(device.status.state).toBe("stopped");
  });

  test("amid a handshake ends it", async () => {
    const server = await startServer();
    server.answer = "nothing";
    const { device, clock } = start({ url: server.url });
    await eventually(() => expect(server.attempts).toBe(1));
    await device.stop();
    expect(clock.waiting).toBe(0);
  });

  test("cuts a server that does not answer the close after 2 s, and reads nothing meanwhile", async () => {
    const read = vi.fn(() => sample);
    const { device, clock, link } = await online({ read });
    link.stream.pause();
    const stopped = device.stop();
    clock.advance(2_000);
    await stopped;
    expect(clock.waiting).toBe(0);
    expect(read).toHaveBeenCalledTimes(1);
  });

  test("from within a callback is as good as from outside", async () => {
    const server = await startServer();
    const abort = new AbortController();
    const read = vi.fn(() => sample);
    const { device, clock } = start({
      url: server.url,
      signal: abort.signal,
      read,
      onStatus: ({ state }) => state === "online" && abort.abort(),
    });
    await device.stopped;
    expect(read).not.toHaveBeenCalled();
    expect(clock.waiting).toBe(0);
  });
});

describe("an author's callback", () => {
  test("that fails does not take the device down", async () => {
    const { device, codes } = await online({
      onStatus: () => {
        throw new Error("mine");
      },
    });
    expect(codes()).toContain("callback_failed");
    expect(device.status.state).toBe("online");
  });

  test("that fails to log does not either", async () => {
    const { device } = await online({
      log: () => {
        throw new Error("disk full");
      },
    });
    expect(device.status.state).toBe("online");
  });
});

test("five hundred devices share one signal and one loop, without a warning", async () => {
  const warning = vi.fn();
  process.on("warning", warning);
  onTestFinished(() => void process.off("warning", warning));
  const server = await startServer();
  const abort = new AbortController();
  const devices = Array.from({ length: 500 }, (_, index) =>
    connectDevice({ url: server.url, deviceId: `sim_${index}`, token, signal: abort.signal, log: () => {} }),
  );
  await eventually(() => expect(devices.every(({ status }) => status.state === "online")).toBe(true), {
    withinMs: 15_000,
  });
  expect(devices.filter((device) => device.send(sample))).toHaveLength(500);
  await eventually(() => expect(server.links.every(({ texts }) => texts.length === 1)).toBe(true));
  abort.abort();
  await Promise.all(devices.map(({ stopped }) => stopped));
  expect(warning).not.toHaveBeenCalled();
});
