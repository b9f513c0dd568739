const bucket = /^wattboard_store_commit_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm;

/** How long the server's commits took, in the steps of its histogram: how many took at most so long, ms, growing. */
export async function readCommitTimes(url: string): Promise<CommitTimes> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const steps = [...metrics.matchAll(bucket)].map(([, edge, count]) => ({
    ms: edge === "+Inf" ? Number.POSITIVE_INFINITY : 1_000 * Number(edge),
    commits: Number(count),
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
