import { getEventListeners } from "node:events";
import { eventually, startServer } from "@wattboard/testing";
import { describe, expect, test, vi } from "vitest";
import { becomes, deadUrl, online, sample, start } from "./connect-device.fixture.ts";

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
