import { eventually, ManualSdkClock, startServer } from "@wattboard/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { becomes, listen, listening, sample, socketOf } from "./connect-telemetry.fixture.ts";
import { connectTelemetry } from "./connect-telemetry.ts";

afterEach(() => vi.unstubAllGlobals());

describe("a telemetry stream", () => {
  test("listens at the dashboard door of its device", async () => {
    const { socket } = await listening();
    expect(socket.path).toBe("/ws/dashboard/ems_001");
  });

  test("hands over each sample, parsed and as it came", async () => {
    const { socket, received, errors } = await listening();
    const spaced = JSON.stringify({ ...sample, timestamp: "2026-01-31T12:00:02Z" }, null, 2);
    socket.send(sample);
    socket.send(spaced);
    await eventually(() => expect(received).toHaveLength(2));
    expect(received).toEqual([
      [sample, JSON.stringify(sample), { origin: "latest", receivedAtMs: null }],
      [JSON.parse(spaced), spaced, { origin: "live", receivedAtMs: null }],
    ]);
    expect(errors).toEqual([]);
  });

  test.each([
    ["no JSON", "{"],
    ["an array", "[]"],
    ["null", "null"],
    ["another device's", JSON.stringify({ ...sample, device_id: "ems_002" })],
    ["binary", Buffer.from(JSON.stringify(sample))],
  ])("reports a frame that is %s, and goes on", async (_what, frame) => {
    const { socket, received, codes, stream } = await listening();
    socket.send(frame);
    socket.send(sample);
    await eventually(() => expect(received).toHaveLength(1));
    expect(codes()).toEqual(["malformed_frame"]);
    expect(stream.status).toBe("OPEN");
  });

  test("asks the page's own origin unless told otherwise", async () => {
    const server = await startServer();
    vi.stubGlobal("location", { origin: server.url });
    const { stream, clock } = listen({});
    clock.advance(0);
    await becomes(stream, "OPEN");
  });

  test.each([
    [undefined, {}, "ws://127.0.0.1:8000/ws/dashboard/ems_001"],
    ["null", {}, "ws://127.0.0.1:8000/ws/dashboard/ems_001"],
    ["https://page.example", {}, "wss://page.example/ws/dashboard/ems_001"],
    ["https://page.example", { url: "http://board.example/" }, "ws://board.example/ws/dashboard/ems_001"],
    [
      "https://page.example",
      { url: "https://board.example/energy/" },
      "wss://board.example/energy/ws/dashboard/ems_001",
    ],
  ])("from a page at %s with %j goes to %s", (origin, options, address) => {
    vi.stubGlobal("location", origin && { origin });
    const createSocket = vi.fn<(address: string) => WebSocket>(() => {
      throw new Error("far enough");
    });
    listen({ ...options, createSocket }).clock.advance(0);
    expect(createSocket).toHaveBeenCalledWith(address, "wattboard.v1");
  });

  test("cannot send a token from a page, and says so at once", () => {
    expect(() => connectTelemetry("ems_001", { token: "wb_secret" })).toThrow(/page.*ticket/);
  });

  test("offers a ticket of its own with each connection, beside the subprotocol", async () => {
    const offers: string[][] = [];
    const createSocket = (_address: string, ...protocols: string[]): WebSocket => {
      offers.push(protocols);
      throw new Error("far enough");
    };
    const ticket = vi.fn(async (deviceId: string | null) => `for_${deviceId}_${ticket.mock.calls.length}`);
    const { clock, errors } = listen({ createSocket, ticket });
    clock.advance(0);
    await eventually(() => expect(errors).toHaveLength(1));
    clock.advance(1_000);
    await eventually(() => expect(errors).toHaveLength(2));
    expect(offers).toEqual([
      ["wattboard.v1", "ticket.for_ems_001_1"],
      ["wattboard.v1", "ticket.for_ems_001_2"],
    ]);
  });

  test("tries again where there is no ticket, and says why", async () => {
    const ticket = vi.fn(() => Promise.reject(new Error("the shop is closed")));
    const { clock, errors } = listen({ ticket });
    clock.advance(0);
    await eventually(() => expect(errors).toHaveLength(1));
    expect(errors[0]).toMatchObject({ code: "unreachable", message: expect.stringContaining("the shop is closed") });
    clock.advance(1_000);
    await eventually(() => expect(ticket).toHaveBeenCalledTimes(2));
  });

  test("keeps a strange device id inside the path", () => {
    vi.stubGlobal("location", undefined);
    const createSocket = vi.fn<(address: string) => WebSocket>(() => {
      throw new Error("far enough");
    });
    const clock = new ManualSdkClock();
    const stream = connectTelemetry("a/../?b", { createSocket, clock });
    clock.advance(0);
    expect(createSocket).toHaveBeenCalledWith("ws://127.0.0.1:8000/ws/dashboard/a%2F..%2F%3Fb", "wattboard.v1");
    stream.close();
  });
});

describe("the status", () => {
  test("begins with CONNECTING and tells only changes", async () => {
    const server = await startServer();
    const { stream, clock, statuses } = listen({ url: server.url });
    expect(stream.status).toBe("CONNECTING");
    clock.advance(0);
    await becomes(stream, "OPEN");
    expect(statuses).toEqual(["OPEN"]);
  });

  test("is CLOSED between tries, CONNECTING in each, and OPEN when one succeeds", async () => {
    const { server, stream, clock, statuses, codes } = await listening();
    await server.stop();
    await becomes(stream, "CLOSED");
    clock.advance(500);
    await becomes(stream, "CLOSED");
    await eventually(() => expect(codes()).toEqual(["lost", "unreachable"]));
    const revived = await startServer(server.port);
    clock.advance(1_000);
    await becomes(stream, "OPEN");
    expect(statuses).toEqual(["OPEN", "CLOSED", "CONNECTING", "CLOSED", "CONNECTING", "OPEN"]);
    expect(revived.open()).toHaveLength(1);
  });

  test("comes with the server's reason where a handshake was refused", async () => {
    const server = await startServer();
    server.answer = { status: 404 };
    server.problem = { code: "unknown_device", detail: "No device with this id is registered." };
    const { clock, errors } = listen({ url: server.url });
    clock.advance(0);
    await eventually(() => expect(errors).toHaveLength(1));
    expect(errors[0]).toMatchObject({ code: "refused", refusal: "unknown_device" });
    expect(errors[0]?.message).toContain("No device with this id is registered.");
  });

  test.each([
    ["says that only sockets are missing", { code: "upgrade_required" }, "proxy"],
    ["is no Wattboard", { hello: "world" }, "or refuses us"],
  ])("does not pretend to know the reason where what answers %s", async (_what, problem, words) => {
    const server = await startServer();
    server.answer = { status: 403 };
    server.problem = problem;
    const { clock, errors } = listen({ url: server.url });
    clock.advance(0);
    await eventually(() => expect(errors).toHaveLength(1));
    expect(errors[0]).toMatchObject({ code: "unreachable", message: expect.stringContaining(words) });
  });
});

describe("the reconnect", () => {
  /** Lets tries fail, and returns how long each made the stream wait. */
  async function waits(count: number, random: number): Promise<number[]> {
    const server = await startServer();
    await server.stop();
    const { stream, clock } = listen({ url: server.url, random: () => random });
    clock.advance(0);
    const delays: number[] = [];
    while (delays.length < count) {
      await becomes(stream, "CLOSED");
      const fromMs = clock.now();
      clock.advanceToNext();
      expect(stream.status).toBe("CONNECTING");
      delays.push(clock.now() - fromMs);
    }
    return delays;
  }

  test("lies anywhere up to a bound that doubles to 30 s", async () => {
    const delays = await waits(8, 1 - Number.EPSILON);
    expect(delays.map(Math.round)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test.each([
    [4000, 499, 500],
    [4300, 44_999, 45_000],
    [4699, 44_999, 45_000],
  ])("obeys the range of the close code %i", async (code, notYetMs, thenMs) => {
    const { server, socket, stream, clock } = await listening();
    socket.socket.close(code, "whatever it says");
    await becomes(stream, "CLOSED");
    clock.advance(notYetMs);
    expect(stream.status).toBe("CLOSED");
    clock.advance(thenMs - notYetMs);
    await becomes(stream, "OPEN");
    expect(server.links).toHaveLength(2);
  });

  test("is half a second away at least", async () => {
    expect(await waits(3, 0)).toEqual([500, 500, 500]);
  });

  test("starts anew after a connection that stayed open for 10 s, and not after one that did not", async () => {
    const { server, stream, clock } = await listening();
    const drop = async (index: number, openMs: number) => {
      clock.advance(openMs);
      (await socketOf(server, index)).socket.terminate();
      await becomes(stream, "CLOSED");
      const fromMs = clock.now();
      clock.advanceToNext();
      await becomes(stream, "OPEN");
      return clock.now() - fromMs;
    };
    expect([await drop(0, 0), await drop(1, 9_999), await drop(2, 9_999)]).toEqual([500, 1_000, 2_000]);
    expect(await drop(3, 10_000)).toBe(500);
  });

  test("gives up a handshake that never ends after 20 s", async () => {
    const server = await startServer();
    server.answer = "nothing";
    const { stream, clock, codes } = listen({ url: server.url });
    clock.advance(0);
    await eventually(() => expect(server.attempts).toBe(1));
    clock.advance(19_999);
    expect(stream.status).toBe("CONNECTING");
    clock.advance(1);
    expect(stream.status).toBe("CLOSED");
    expect(codes()).toEqual(["unreachable"]);
    server.answer = undefined;
    clock.advance(500);
    await becomes(stream, "OPEN");
    expect(server.open()).toHaveLength(1);
  });

  test("also follows an address that no socket takes", () => {
    const { stream, clock, codes } = listen({ url: "http://[" });
    clock.advance(0);
    expect(stream.status).toBe("CLOSED");
    expect(codes()).toEqual(["unreachable"]);
    clock.advance(500);
    expect(codes()).toEqual(["unreachable", "unreachable"]);
  });
});

describe("closing", () => {
  test("ends the socket and every timer, and is the last that is told", async () => {
    const { server, socket, stream, clock, statuses, received, errors } = await listening();
    stream.close();
    socket.send(sample);
    stream.close();
    await eventually(() => expect(server.open()).toEqual([]));
    expect(statuses).toEqual(["OPEN", "CLOSED"]);
    expect(received).toEqual([]);
    expect(errors).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  test("in the same turn as connecting opens nothing", async () => {
    const server = await startServer();
    const { stream, clock } = listen({ url: server.url });
    stream.close();
    expect(clock.waiting).toBe(0);
    clock.advance(60_000);
    expect(server.attempts).toBe(0);
  });

  test("amid a handshake leaves no socket", async () => {
    const server = await startServer();
    const { stream, clock, statuses } = listen({ url: server.url });
    clock.advance(0);
    stream.close();
    const other = listen({ url: server.url });
    other.clock.advance(0);
    await becomes(other.stream, "OPEN");
    await eventually(() => expect(server.open()).toHaveLength(1));
    expect(statuses).toEqual(["CLOSED"]);
    expect(clock.waiting).toBe(0);
  });

  test("while waiting for the next try ends the waiting", async () => {
    const { server, stream, clock } = await listening();
    await server.stop();
    await becomes(stream, "CLOSED");
    stream.close();
    expect(clock.waiting).toBe(0);
  });

  test.each(["CLOSED", "CONNECTING"] as const)("from within the callback that tells %s is final", async (status) => {
    const server = await startServer();
    const { stream, clock, codes } = listen({
      url: server.url,
      onStatus: (told) => told === status && stream.close(),
    });
    clock.advance(0);
    await becomes(stream, "OPEN");
    (await socketOf(server)).socket.terminate();
    await becomes(stream, "CLOSED");
    clock.advance(60_000);
    expect(clock.waiting).toBe(0);
    expect(server.attempts).toBe(1);
    expect(codes()).toEqual(status === "CLOSED" ? [] : ["lost"]);
  });

  test("is not undone by a socket that speaks late", () => {
    const socket = Object.assign(new EventTarget(), { close: vi.fn() });
    const { stream, clock, statuses, received, errors } = listen({ createSocket: () => socket as never });
    clock.advance(0);
    stream.close();
    expect(socket.close).toHaveBeenCalledTimes(1);
    for (const type of ["open", "error", "close"]) socket.dispatchEvent(new Event(type));
    socket.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(sample) }));
    expect({ statuses, received, errors }).toEqual({ statuses: ["CLOSED"], received: [], errors: [] });
    expect(clock.waiting).toBe(0);
  });
});

describe("commands", () => {
  const command = { command_id: "cmd_1", device_id: "ems_001", status: "sent", history: [] };

  test("are asked for by the subprotocol, and told beside the telemetry", async () => {
    const server = await startServer();
    const told: unknown[] = [];
    const { received, errors, clock } = listen({ url: server.url, onCommand: (each) => told.push(each) });
    clock.advance(0);
    const socket = await socketOf(server);
    expect(socket.socket.protocol).toBe("wattboard.v1");
    socket.send({ type: "command", command });
    socket.send({ type: "something new" });
    socket.send({ device_id: "ems_001", timestamp: "2026-01-31T12:00:00Z", type: "hybrid", battery: { soc: 85 } });
    await eventually(() => expect(received).toHaveLength(1));
    expect(told).toEqual([command]);
    expect(errors).toEqual([]);
  });
});
