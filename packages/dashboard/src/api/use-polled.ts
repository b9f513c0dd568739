import { useEffect, useState } from "react";
import { type Answer, getJson, RequestFailed } from "./get-json.ts";

export interface Polled<Body> {
  /** The newest good answer; it stays while later requests fail. */
  readonly body: Body | null;
  /** Why the newest request failed; null after a good one. */
  readonly failure: RequestFailed | null;
}

export interface PollOptions<Body> {
  /** From one answer to the next request, so that a slow server is not asked twice at a time. After a failure it is 5 seconds at most. */
  readonly everyMs: number;
  /** Told each good answer; must be the same function in each render. */
  readonly onAnswer?: (answer: Answer<Body>) => void;
  /** Any change of it asks again at once. */
  readonly round?: number;
}

const retryMs = 5_000;

/** Asks for `path` at once and then again and again. A null path asks for nothing. */
export function usePolled<Body>(
  path: string | null,
  { everyMs, onAnswer, round = 0 }: PollOptions<Body>,
): Polled<Body> {
  const [polled, setPolled] = useState<Polled<Body> & { readonly path: string | null }>({
    path,
    body: null,
    failure: null,
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` is there to ask again.
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      let waitMs = everyMs;
      try {
        const answer = await getJson<Body>(path, stop.signal);
        if (stop.signal.aborted) return;
        onAnswer?.(answer);
        setPolled({ path, body: answer.body, failure: null });
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!(error instanceof RequestFailed)) throw error;
        waitMs = Math.min(everyMs, retryMs);
        setPolled((before) => ({ path, body: before.path === path ? before.body : null, failure: error }));
      }
      timer = setTimeout(ask, waitMs);
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, onAnswer, round]);

  // An answer about another path is never shown under this one, not even for the one render before the effect runs.
  return polled.path === path ? polled : { body: null, failure: null };
}
