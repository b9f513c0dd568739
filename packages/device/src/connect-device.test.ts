import { eventually, startServer } from "@wattboard/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { becomes, deadUrl, online, sample, start, token } from "./connect-device.fixture.ts";
import { connectDevice } from "./connect-device.ts";

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
    connectDevice({
      url: server.url,
      deviceId: `sim_${index}`,
      token,
      signal: abort.signal,
      journal: false,
      log: () => {},
    }),
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
