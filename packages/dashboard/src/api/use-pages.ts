import { useInfiniteQuery } from "@tanstack/react-query";
import { getJson, type RequestFailed } from "./request.ts";

interface Paged {
  readonly next_cursor: string | null;
}

/** A list of the API, page by page: `path` makes the address of the page behind a cursor. The newest page is asked anew every `everyMs`. */
export function usePages<Body extends Paged>(
  pathOf: (given: { readonly cursor?: string }) => string,
  { everyMs }: { readonly everyMs: number | false },
) {
  const { data, error, ...query } = useInfiniteQuery<Body, RequestFailed>({
    // Not that of the address alone: somebody else may ask for its first page only.
    queryKey: [pathOf({}), "pages"],
    queryFn: ({ pageParam, signal }) =>
      getJson<Body>(pathOf(pageParam === null ? {} : { cursor: String(pageParam) }), signal),
    initialPageParam: null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    // Who has gone far back reads on there, and is not pulled through all pages again and again.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 1) > 1 ? false : everyMs),
    refetchOnWindowFocus: false,
    placeholderData: (before) => before,
  });
  return {
    pages: data?.pages ?? null,
    failure: error,
    isLate: query.isPlaceholderData,
    more: query.hasNextPage ? () => void query.fetchNextPage() : null,
    isLoadingMore: query.isFetchingNextPage,
  };
}
