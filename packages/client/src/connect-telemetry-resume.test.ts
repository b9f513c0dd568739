import type { Telemetry } from "@wattboard/protocol";
import { eventually, startServer } from "@wattboard/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { becomes, listen, listening, sample, socketOf } from "./connect-telemetry.fixture.ts";
import type { TelemetryOptions } from "./connect-telemetry.ts";

afterEach(() => vi.unstubAllGlobals());

describe("a lost connection", () => {
  const at = (second: number) => ({ ...sample, timestamp: `2026-01-31T12:00:${String(second).padStart(2, "0")}Z` });
  const welcome = (offset: number, more = {}) => ({
    ...{ type: "welcome", server_time: "2026-01-31T12:00:00Z", epoch: 7, offset, recovered: false, online: true },
    ...more,
  });
  const receivedAtMs = ({ timestamp }: { readonly timestamp: string }) => Date.parse(timestamp) + 20;
  const placed = (offset: number, frame: object) => {
    const more = "timestamp" in frame ? `"received_at_ms":${receivedAtMs(frame as typeof sample)},` : "";
    return `{"epoch":7,"offset":${offset},${more}${JSON.stringify(frame).slice(1)}`;
  };
  const seconds = (received: [Telemetry, ...unknown[]][]) =>
    received.map(([{ timestamp }]) => Number(timestamp?.slice(17, 19)));

  /** A stream that has two samples, at the places 5 and 6; `again` gives the socket of its next connection. */
  async function interrupted(options: TelemetryOptions = {}) {
    const server = await startServer();
    const listener = listen({ url: server.url, ...options });
    listener.clock.advance(0);
    const first = await socketOf(server);
    for (const frame of [welcome(4), placed(5, at(1)), placed(6, at(2))]) first.send(frame);
    await eventually(() => expect(listener.received).toHaveLength(2));
    let index = 0;
    const again = async () => {
      if (listener.stream.status === "OPEN") server.links[index]?.socket.terminate();
      await becomes(listener.stream, "CLOSED");
      listener.clock.advanceToNext();
      await becomes(listener.stream, "OPEN");
      return await socketOf(server, ++index);
    };
    return { ...listener, server, again };
  }

  test("is taken up at the last place, and what comes then comes once, as the device sent it", async () => {
    const { again, received, gaps, errors } = await interrupted();
    const socket = await again();
    expect(socket.path).toBe("/ws/dashboard/ems_001?epoch=7&offset=6");
    socket.send(welcome(6, { recovered: true }));
    for (const frame of [placed(6, at(2)), placed(7, { ...at(3), offset: 9, epoch: 9 }), placed(8, at(4))])
      socket.send(frame);
    await eventually(() => expect(received).toHaveLength(4));
    expect(seconds(received)).toEqual([1, 2, 3, 4]);
    expect(received.slice(2).map(([, text, { origin }]) => [text, origin])).toEqual([
      [JSON.stringify({ ...at(3), offset: 9, epoch: 9 }), "live"],
      [JSON.stringify(at(4)), "live"],
    ]);
    expect({ gaps, errors: errors.map(({ code }) => code) }).toEqual({ gaps: [], errors: ["lost"] });
  });

  test("of which the server knows no more is a gap, told before the sample behind it", async () => {
    const order: unknown[] = [];
    const { again, received } = await interrupted({
      onGap: ({ after, before, filled }) => order.push([after.timestamp, before.timestamp, filled]),
    });
    const socket = await again();
    const newStream = (frame: string) => frame.replace('"epoch":7', '"epoch":8');
    socket.send(welcome(0, { epoch: 8 }));
    socket.send(newStream(placed(1, at(9))));
    await eventually(() => expect(received).toHaveLength(3));
    expect(order).toEqual([["2026-01-31T12:00:02Z", "2026-01-31T12:00:09Z", false]]);
    expect(received[2]?.[2]).toEqual({ origin: "latest", receivedAtMs: receivedAtMs(at(9)) });
    expect((await again()).path).toBe("/ws/dashboard/ems_001?epoch=8&offset=1");
  });

  test("in which the device sent nothing gives no sample twice", async () => {
    const { again, received, gaps } = await interrupted();
    const socket = await again();
    for (const frame of [welcome(0), placed(1, at(2)), placed(2, at(3))]) socket.send(frame);
    await eventually(() => expect(received).toHaveLength(3));
    expect(seconds(received)).toEqual([1, 2, 3]);
    expect(gaps).toEqual([{ after: at(2), before: at(2), filled: true }]);
  });

  test("to a server that knows no places is a gap, unless the device sent nothing", async () => {
    const { server, stream, socket, clock, received, gaps } = await listening();
    socket.send(at(1));
    await eventually(() => expect(received).toHaveLength(1));
    socket.socket.terminate();
    await becomes(stream, "CLOSED");
    clock.advanceToNext();
    const again = await socketOf(server, 1);
    expect(again.path).toBe("/ws/dashboard/ems_001");
    for (const frame of [at(4), at(5)]) again.send(frame);
    await eventually(() => expect(received).toHaveLength(3));
    expect(gaps).toEqual([{ after: at(1), before: at(4), filled: false }]);
  });

  test("is made of one on which a frame is missing", async () => {
    const { server, stream, received, codes } = await interrupted();
    server.links[0]?.send(placed(8, at(4)));
    await becomes(stream, "CLOSED");
    expect(seconds(received)).toEqual([1, 2]);
    expect(codes()).toEqual(["lost"]);
  });

  test("brings presence and what was stored late as they come, and the presence of now where something was missed", async () => {
    const told: unknown[] = [];
    const { again } = await interrupted({
      onPresence: (online) => told.push(online),
      onBackfilled: ({ from, to, samples }) => told.push([from, to, samples]),
    });
    let socket = await again();
    socket.send(welcome(6, { recovered: true, online: false }));
    socket.send(placed(7, { type: "presence", online: false }));
    const span = { from: "2026-01-31T11:00:00Z", to: "2026-01-31T11:30:00Z", samples: 1800 };
    socket.send(placed(8, { type: "backfilled", ...span }));
    await eventually(() => expect(told).toEqual([true, false, Object.values(span)]));
    socket = await again();
    expect(socket.path).toContain("offset=8");
    socket.send(welcome(0, { epoch: 8, online: true }));
    await eventually(() => expect(told.slice(3)).toEqual([true]));
  });

  test("that nobody tells of is noticed by 25 s of silence, where there were beats", async () => {
    const { server, stream, clock, codes } = await listening();
    const hear = async (frame: object) => {
      server.links[0]?.send(frame);
      // The answer to a ping comes behind what was sent before it.
      await new Promise((resolve) => {
        server.links[0]?.socket.once("pong", resolve);
        server.links[0]?.socket.ping();
      });
    };
    clock.advance(600_000);
    expect(stream.status).toBe("OPEN");
    await hear({ type: "beat", server_time: "2026-01-31T12:00:00Z" });
    clock.advance(24_000);
    await hear(sample);
    clock.advance(24_999);
    expect(stream.status).toBe("OPEN");
    clock.advance(1);
    expect(stream.status).toBe("CLOSED");
    expect(codes()).toEqual(["lost"]);
    clock.advance(30_000);
    await becomes(stream, "OPEN");
    // The next connection has had no beat yet.
    clock.advance(600_000);
    expect(stream.status).toBe("OPEN");
  });
});
