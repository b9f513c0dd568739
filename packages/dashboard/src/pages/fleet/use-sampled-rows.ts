import type { FleetRow } from "@wattboard/protocol";
import { useEffect, useRef, useState } from "react";

type RowsById = ReadonlyMap<string, FleetRow>;

/**
 * The rows as they were at most `everyMs` ago, for what is too dear to be done with every change; the first ones at once. While `holding` they stay
 * as they are.
 */
export function useSampledRows(rowsById: RowsById, everyMs: number, holding = false): RowsById {
  const newest = useRef({ rowsById, holding });
  const [sampled, setSampled] = useState(rowsById);
  useEffect(() => {
    newest.current = { rowsById, holding };
  }, [rowsById, holding]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!newest.current.holding) setSampled(newest.current.rowsById);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return sampled.size === 0 ? rowsById : sampled;
}
