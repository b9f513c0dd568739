import type { DeviceDetail, EventBody, SampleBody, SamplesBody } from "@wattboard/protocol";

/** A server as these helpers see it. */
interface Reachable {
  readonly url: string;
}

async function getJson<T>({ url }: Reachable, path: string): Promise<T> {
  const response = await fetch(`${url}${path}`);
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

export function deviceDetail(server: Reachable, deviceId: string): Promise<DeviceDetail> {
  return getJson(server, `/api/v1/devices/${deviceId}`);
}

/** Newest first; without devices that come and go. */
export async function events(server: Reachable): Promise<EventBody[]> {
  const { events } = await getJson<{ events: EventBody[] }>(server, "/api/v1/events?limit=1000");
  return events.filter(({ kind }) => kind !== "connected" && kind !== "disconnected");
}

/**
 * The stored samples of the last minutes, oldest first, of as many pages as `limit` takes. `query` as in the API: `from=…&to=…&limit=…`; not with
 * `take=first`.
 */
export async function storedSamples(server: Reachable, deviceId: string, query = ""): Promise<SampleBody[]> {
  const limit = Number(new URLSearchParams(query).get("limit") ?? 1_000);
  const found: SampleBody[] = [];
  for (let cursor = ""; ; ) {
    const path = `/api/v1/devices/${deviceId}/samples?${query}${cursor}`;
    const { samples, next_cursor: next } = await getJson<SamplesBody>(server, path);
    found.unshift(...samples);
    if (next === null || found.length >= limit) return found;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

export function readiness(server: Reachable): Promise<{ status: string; store: string }> {
  return getJson(server, "/readyz");
}

/** One number of `/metrics` by its whole name: `wattboard_samples_total{result="accepted"}`. 0 where it is not there yet. */
export async function metric({ url }: Reachable, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

export function samplesCounted(server: Reachable, result: string): Promise<number> {
  return metric(server, `wattboard_samples_total{result="${result}"}`);
}
