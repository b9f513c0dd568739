import { MutationCache, QueryClient } from "@tanstack/react-query";
import { apiPaths } from "../paths.ts";
import { RequestFailed } from "./request.ts";

/** What has been asked of the API, by path. Each page says how often it asks again, and a failed question is asked again by `usePolled`. */
export const queryClient = new QueryClient({
  mutationCache: new MutationCache({
    // Who is refused what the page offered may do less than it knows: the controls follow.
    onError(error) {
      if (error instanceof RequestFailed && error.isRefused) {
        void queryClient.invalidateQueries({ queryKey: [apiPaths.me] });
      }
    },
  }),
  defaultOptions: {
    queries: {
      retry: false,
      // "Offline" of a browser says nothing about a server on the same machine or in the same house.
      networkMode: "always",
      // A page that is opened shows what is, and not for a moment what was when it was last open.
      gcTime: 0,
    },
    mutations: { networkMode: "always" },
  },
});
