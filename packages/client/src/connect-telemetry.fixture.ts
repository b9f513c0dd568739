import type { Telemetry } from "@wattboard/protocol";
import { eventually, ManualSdkClock, type ServerLink, startServer, type TestServer } from "@wattboard/testing";
import { expect, onTestFinished } from "vitest";
import { connectTelemetry, type TelemetryOptions } from "./connect-telemetry.ts";
import type { SampleInfo, StreamGap } from "./samples.ts";
import type { Stream, StreamError, StreamStatus } from "./stream.ts";

export const sample = { device_id: "ems_001", timestamp: "2026-01-31T12:00:01Z", battery: { soc: 85 } };

/** A stream on a clock that stands still; it is closed when the test ends. */
export function listen(options: TelemetryOptions) {
  const clock = new ManualSdkClock();
  const statuses: StreamStatus[] = [];
  const errors: StreamError[] = [];
  const received: [Telemetry, string, SampleInfo][] = [];
  const gaps: StreamGap[] = [];
  const stream = connectTelemetry("ems_001", {
    clock,
    random: () => 0.5,
    onTelemetry: (...told) => received.push(told),
    onGap: (gap) => gaps.push(gap),
    onStatus: (status) => statuses.push(status),
    onError: (error) => errors.push(error),
    ...options,
  });
  onTestFinished(() => stream.close());
  return { stream, clock, statuses, errors, received, gaps, codes: () => errors.map(({ code }) => code) };
}

export async function becomes(stream: Stream, status: StreamStatus): Promise<void> {
  await eventually(() => expect(stream.status).toBe(status));
}

export async function socketOf(server: TestServer, index = 0): Promise<ServerLink> {
  return await eventually(() => {
    const socket = server.links[index];
    if (socket === undefined) throw new Error(`There is no socket ${index} yet.`);
    return socket;
  });
}

export async function listening() {
  const server = await startServer();
  const listener = listen({ url: server.url });
  listener.clock.advance(0);
  await becomes(listener.stream, "OPEN");
  return { server, socket: await socketOf(server), ...listener };
}
