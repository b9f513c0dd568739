import type { FirstStepsBody } from "@wattboard/protocol";
import { apiPaths } from "../paths.ts";
import { usePolled } from "./use-polled.ts";

/** What comes next on a server that is new, or has no devices; null before it has said. */
export function useFirstSteps(): FirstStepsBody | null {
  return usePolled<FirstStepsBody>(apiPaths.firstSteps, { everyMs: 10_000 }).body;
}
