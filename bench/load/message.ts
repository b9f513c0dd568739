/** The access token of every device in the bench. */
export const benchToken = "bench-token-0123456789";

/** All ids have the same length, so that all messages have. */
export function benchDeviceId(index: number): string {
  return `bench-${String(index).padStart(6, "0")}`;
}

/** One telemetry message of 361 bytes, with every section that the contract names. */
export function benchMessage(deviceId: string, timestamp: string): string {
  return JSON.stringify({
    device_id: deviceId,
    timestamp,
    system_status: { state: "CHARGING", mode: "AUTO", error_flags: [], wifi_strength: -45 },
    battery: { voltage: 53.24, current: 10.52, power: 558.63, soc: 85.25 },
    grid: { voltage: 230.14, power: -200.4, frequency: 50.02 },
    solar: { power: 1412.5 },
    load: { power: 653.5 },
    inverter: { power: 1354.1 },
  });
}
