import { eventually, ManualSdkClock, type ServerLink, startServer, type TestServer } from "@wattboard/testing";
import { expect, onTestFinished } from "vitest";
import { connectDevice } from "./connect-device.ts";
import type { Device, DeviceStatus } from "./device.ts";
import type { DeviceNotice } from "./device-notice.ts";
import type { DeviceOptions } from "./device-options.ts";

export const token = "sBrIr9wSkn@d*]@z6";
export const sample = { battery: { voltage: 53.2, soc: 85 } };

/**
 * A device on a clock that stands still, which spreads nothing at random; it is stopped when the test ends. It has no journal unless the test gives it
 * one (`delivery.test.ts`).
 */
export function start(options: DeviceOptions & { url: string }) {
  const clock = new ManualSdkClock();
  const notices: DeviceNotice[] = [];
  const statuses: DeviceStatus[] = [];
  const device = connectDevice({
    deviceId: "ems_001",
    token,
    clock,
    random: () => 0.5,
    journal: false,
    log: (notice) => notices.push(notice),
    onStatus: (status) => statuses.push(status),
    ...options,
  });
  onTestFinished(() => device.stop());
  const codes = () => notices.map(({ code }) => code);
  return { device, clock, notices, statuses, codes };
}

export async function becomes(device: Device, state: DeviceStatus["state"]): Promise<DeviceStatus> {
  await eventually(() => expect(device.status.state).toBe(state));
  return device.status;
}

/** The outage and the delay of a device that waits for its next try. */
export async function outageOf(device: Device): Promise<{ code: string; message: string; retryInMs: number }> {
  const status = await becomes(device, "waiting");
  if (status.state !== "waiting") throw new Error("unreachable: just waited for");
  return { ...status.outage, retryInMs: status.retryInMs };
}

export async function linkOf(server: TestServer, index = 0): Promise<ServerLink> {
  return await eventually(() => {
    const link = server.links[index];
    if (link === undefined) throw new Error(`There is no link ${index} yet.`);
    return link;
  });
}

/** Pings the device, and waits until it has answered. */
export async function pingOf(link: ServerLink): Promise<void> {
  const ponged = new Promise<void>((resolve) => link.socket.once("pong", () => resolve()));
  link.socket.ping();
  await ponged;
}

export async function online(options: DeviceOptions = {}) {
  const server = await startServer();
  const started = start({ url: server.url, ...options });
  await becomes(started.device, "online");
  return { server, link: await linkOf(server), ...started };
}

/** A port on which nobody listens any more. */
export async function deadUrl(): Promise<string> {
  const server = await startServer();
  await server.stop();
  return server.url;
}
