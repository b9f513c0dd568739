import { keepPreviousData, skipToken, useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { getJson, type RequestFailed } from "./request.ts";

export interface Polled<Body> {
  /** The newest good answer; it stays while later requests fail. */
  readonly body: Body | null;
  /** Why the newest request failed; null after a good one. */
  readonly failure: RequestFailed | null;
  /** The body is that of the question before, until the answer to this one is there. */
  readonly isLate: boolean;
}

export interface PollOptions<Body> {
  /** While the page is in sight, by what was answered last where that matters. After a failure it is 5 seconds at most. */
  readonly everyMs: number | ((body: Body | undefined) => number);
  readonly ask?: (path: string, signal: AbortSignal) => Promise<Body>;
  /** Shows the body of the path before until this one's is there, so that the page does not jump. */
  readonly keepsBefore?: boolean;
  /** Goes on while nobody looks, for what the browser's tab tells. */
  readonly inBackground?: boolean;
}

const retryMs = 5_000;

/** What the API answers at `path`, asked at once and then again and again; what has been changed is asked anew by `queryClient`. A null path asks for nothing. */
export function usePolled<Body>(
  path: string | null,
  { everyMs, ask = getJson, keepsBefore = false, inBackground = false }: PollOptions<Body>,
): Polled<Body> {
  const query = useQuery<Body, RequestFailed>({
    queryKey: [path],
    queryFn: path === null ? skipToken : ({ signal }) => ask(path, signal),
    refetchInterval: ({ state }) => {
      const wantedMs = typeof everyMs === "number" ? everyMs : everyMs(state.data);
      return state.status === "error" ? Math.min(wantedMs, retryMs) : wantedMs;
    },
    refetchIntervalInBackground: inBackground,
    ...(keepsBefore && { placeholderData: keepPreviousData }),
  });
  // While a question that has never been answered is asked again, TanStack Query forgets why it failed; what is shown should not flicker.
  const last = useRef<{ path: string | null; failure: RequestFailed | null }>({ path, failure: null });
  if (query.fetchStatus === "idle" || query.error !== null || last.current.path !== path) {
    last.current = { path, failure: query.error };
  }
  return { body: query.data ?? null, failure: last.current.failure, isLate: query.isPlaceholderData };
}
