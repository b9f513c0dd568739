import { readMetric } from "./read-metric.ts";

/** How long the server's commits took, in the steps of its histogram: how many took at most so long, ms, growing. */
export async function readCommitTimes(url: string): Promise<CommitTimes> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const steps = readMetric(metrics, "wattboard_store_commit_seconds_bucket").map(({ label, value }) => ({
    ms: label === "+Inf" ? Number.POSITIVE_INFINITY : 1_000 * Number(label),
    commits: value,
  }));
  const all = steps.at(-1)?.commits ?? 0;
  const atMostMs = (share: number): number => steps.find(({ commits }) => commits >= share * all)?.ms ?? Number.NaN;
  return { all, atMostMs };
}

export interface CommitTimes {
  readonly all: number;
  /** The least step within which that share of them was done. */
  atMostMs(share: number): number;
}
