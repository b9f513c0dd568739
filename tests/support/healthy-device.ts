import { openDashboard, openDevice, type TestSocket } from "./sockets.ts";
import type { TestServer } from "./start-server.ts";
import { sampleOf } from "./telemetry.ts";

/** A well-behaved device with its dashboard, for tests in which somebody else misbehaves. */
export interface HealthyDevice {
  readonly dashboard: TestSocket;
  /** Sends one sample more on the sockets opened at the start, and resolves when the dashboard has it; fails where either was hurt. */
  isServed(): Promise<void>;
}

export async function openWitness(server: TestServer): Promise<HealthyDevice> {
  const deviceId = "witness";
  const device = await openDevice(server.wsUrl, deviceId, server.addDevice(deviceId));
  const dashboard = await openDashboard(server.wsUrl, deviceId);
  let sent = 0;
  return {
    dashboard,
    async isServed() {
      const message = JSON.stringify(sampleOf(deviceId, { solar: { power: ++sent } }));
      device.send(message);
      const received = await dashboard.receive(sent);
      if (received[sent - 1] !== message) throw new Error(`the dashboard got ${received[sent - 1]}`);
    },
  };
}
