import { readMetric } from "./read-metric.ts";

/** The server looks every so often how late the look comes, ms; what it tells contains this time. */
const lookMs = 10;

/** How long the server's event loop was away at most since this was asked last, ms, by its own account. */
export async function readLongestPauseMs(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return 1_000 * Number(readMetric(metrics, "nodejs_eventloop_lag_max_seconds")[0]?.value) - lookMs;
}
