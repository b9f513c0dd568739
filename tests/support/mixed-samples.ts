import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { expect } from "vitest";
import { type Past, storePast } from "./history.ts";
import { runCli } from "./run-cli.ts";
import { startServer, type TestServer } from "./start-server.ts";

export const startMs = Date.UTC(2026, 0, 31, 23, 59, 58);

/** Samples of every kind of value, of two devices whose points are not the same, and two of one time. */
export const mixed: readonly Past[] = [
  past("ems_001", 0, { battery: { soc: 85, power: -0.1 }, system_status: { state: "IDLE", error_flags: [] } }),
  past("ems_001", 1, { battery: { soc: 1e-7, power: null }, system_status: { error_flags: ["E01", 'a "b", c'] } }),
  past("ems_001", 2, { battery: { soc: 33.333333333333336 }, site: { note: 'say "hi", twice\nand again', on: true } }),
  past("ems_001", 3, { battery: {}, site: { note: "12", on: false, mixed: 12 } }),
  { ...past("ems_001", 3, { battery: { soc: 99 }, site: { note: "", mixed: "12" } }), seq: 4 },
  past("ems_001", 5, { battery: { soc: null }, outside: -40.25 }),
  past("sol.002", 0, { solar: { power: 1234567.125 }, site: { note: "=1+1" } }),
  past("sol.002", 86_400, { solar: { power: 0 } }),
];

export const mixedCsv = `device_id,observed_at,received_at,system_status.state,system_status.error_flags,battery.soc,battery.power,solar.power,outside,site.mixed,site.note,site.on
ems_001,2026-01-31T23:59:58.000Z,2026-01-31T23:59:58.020Z,IDLE,[],85,-0.1,,,,,
ems_001,2026-01-31T23:59:59.000Z,2026-01-31T23:59:59.020Z,,"[""E01"",""a \\""b\\"", c""]",1e-7,,,,,,
ems_001,2026-02-01T00:00:00.000Z,2026-02-01T00:00:00.020Z,,,33.333333333333336,,,,,"say ""hi"", twice
and again",true
ems_001,2026-02-01T00:00:01.000Z,2026-02-01T00:00:01.020Z,,,,,,,12,"12",false
ems_001,2026-02-01T00:00:01.000Z,2026-02-01T00:00:01.020Z,,,99,,,,"12","",
ems_001,2026-02-01T00:00:03.000Z,2026-02-01T00:00:03.020Z,,,,,,-40.25,,,
sol.002,2026-01-31T23:59:58.000Z,2026-01-31T23:59:58.020Z,,,,,1234567.125,,,'=1+1,
sol.002,2026-02-01T23:59:58.000Z,2026-02-01T23:59:58.020Z,,,,,0,,,,
`;

function past(deviceId: string, second: number, sections: Past["sections"]): Past {
  return { deviceId, atMs: startMs + second * 1_000, seq: second, sections };
}

export async function startMixed(): Promise<TestServer> {
  const server = await startWith("ems_001", "sol.002");
  await storePast(server.store, mixed);
  return server;
}

export async function startWith(...deviceIds: string[]): Promise<TestServer> {
  const server = await startServer();
  for (const deviceId of deviceIds) server.addDevice(deviceId);
  return server;
}

/** Runs a command that must succeed, and gives its output. */
export async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

export async function readParquet(file: string): Promise<Record<string, unknown>[]> {
  return await parquetReadObjects({ file: await asyncBufferFromFile(file) });
}
