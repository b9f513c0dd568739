import type { Clock } from "../../base/clock.ts";
import { WorkerClient } from "../../base/worker-client.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type { Store } from "../../store/store.ts";
import type { TrialMethods, TrialQuery, TrialResult, TrialSetup } from "./trial-query.ts";

/**
 * Tries a rule on stored samples, in a thread that asks the store past the event loop, and ends with the answer, or with the signal. Rejects with the
 * signal's reason, or with the store's `Failure`.
 */
export function runTrial(
  store: Pick<Store, "openReadPort">,
  clock: Clock,
  query: TrialQuery,
  options: { readonly signal: AbortSignal; readonly progress: (share: number) => void },
): Promise<TrialResult> {
  const thread = new WorkerClient<TrialMethods>({
    url: workerUrl(import.meta.url, "./trial-worker"),
    setup: () => {
      const port = store.openReadPort();
      return { data: { store: port } satisfies TrialSetup, transfer: [port] };
    },
    clock,
    name: "the thread of the trial",
    endedCode: "store_stopped",
  });
  return thread.callOnce(options, "try", query);
}
