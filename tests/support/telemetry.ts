import type { Telemetry } from "@wattboard/protocol";

/** The sample of the EMS communication interface, measured now; `changes` go over it. */
export function sampleOf(deviceId: string, changes: Partial<Telemetry> & Record<string, unknown> = {}): Telemetry {
  return {
    device_id: deviceId,
    timestamp: new Date().toISOString(),
    system_status: { state: "CHARGING", mode: "AUTO", error_flags: [], wifi_strength: -45 },
    battery: { voltage: 53.2, current: 10.5, power: 558.6, soc: 85 },
    grid: { voltage: 230.1, power: -200, frequency: 50.0 },
    ...changes,
  };
}
