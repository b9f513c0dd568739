import { paths } from "@wattboard/protocol";
import { batchOf, type Message, sampleAt } from "./samples.ts";
import { startServer, type TestServer } from "./start-server.ts";

export const secondMs = 1_000;
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** A server with one device, whose samples are written by `fill`. */
export async function openScene(
  options: Parameters<typeof startServer>[0] = {},
  properties: Record<string, string> = {},
) {
  const server = await startServer(options);
  server.devices.add({ deviceId: "ems_001", properties });
  return server;
}

/** Writes samples of a device, a step apart, from `fromMs` up to `toMs`. */
export async function fill(
  { store }: TestServer,
  fromMs: number,
  toMs: number,
  stepMs: number,
  sections: (at: number) => Message,
  deviceId = "ems_001",
): Promise<void> {
  const samples = [];
  for (let at = 0; fromMs + at * stepMs < toMs; at++) {
    const observedAtMs = fromMs + at * stepMs;
    samples.push(sampleAt(observedAtMs, at, sections(at), { deviceId, epoch: fromMs }));
  }
  await store.append([batchOf(samples)]);
}

interface Answered<Body> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

export async function get<Body>(
  { url }: TestServer,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answered<Body>> {
  const response = await fetch(`${url}${paths.api}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as Body, headers: response.headers };
}

export const utc = (text: string): number => Date.parse(text);
