import { useFleet } from "@wattboard/client/react";
import type { FleetRow } from "@wattboard/protocol";
import { useEffect, useRef } from "react";
import { serverClock } from "../api/server-clock.ts";
import type { LinkView } from "./link-view.ts";

export interface FleetFeed {
  /** By device id; a new map with each change, in which a row that did not change is the same object. */
  readonly rows: ReadonlyMap<string, FleetRow>;
  /** Whether the whole fleet has come once; before that, no rows does not mean no devices. */
  readonly complete: boolean;
  /** How many rows there will be; null where that is not known. */
  readonly total: number | null;
  readonly link: LinkView;
}

/** The server sends a frame twice a second, an empty one if need be. After this long without any, an open socket is an empty promise. */
const silentAfterMs = 6_000;

/** The fleet stream, and how far it can be trusted just now. The caller renders once a second, so that silence is noticed. */
export function useFleetFeed(): FleetFeed {
  const { rows, status, complete, total, clockOffsetMs } = useFleet();
  const heardAtMs = useRef<number | null>(null);
  const hasTried = useRef(false);
  const hasFailed = useRef(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new map is a new frame, even where the clock offset is the same.
  useEffect(() => {
    // The stream is CLOSED before its first try, too.
    if (status !== "CLOSED") hasTried.current = true;
    else if (hasTried.current) hasFailed.current = true;
    if (status !== "OPEN" || clockOffsetMs === null) return;
    serverClock.observe(Date.now() + clockOffsetMs);
    heardAtMs.current = serverClock.now();
  }, [rows, status, clockOffsetMs]);

  return { rows, complete, total, link: linkView() };

  function linkView(): LinkView {
    const lastHeardAtMs = heardAtMs.current;
    if (lastHeardAtMs === null) return { phase: hasFailed.current ? "lost" : "connecting", lastHeardAtMs };
    const isHeard = status === "OPEN" && serverClock.now() - lastHeardAtMs < silentAfterMs;
    return { phase: isHeard ? "live" : "lost", lastHeardAtMs };
  }
}
