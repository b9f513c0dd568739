import type { FleetRow } from "@wattboard/protocol";
import { useEffect, useMemo, useRef, useState } from "react";
import { type Sort, sortFleet } from "./fleet-query.ts";

/**
 * The rows in the order asked for, taken anew every few seconds and not with every change of a value: rows that swap places
 * twice a second cannot be read. While `holding`, nothing moves at all, so that one hits the row one aims at.
 */
export function useHeldOrder(rows: readonly FleetRow[], sort: Sort, holding: boolean): readonly FleetRow[] {
  const [epoch, setEpoch] = useState(0);
  const holdingRef = useRef(holding);
  useEffect(() => {
    holdingRef.current = holding;
  }, [holding]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!holdingRef.current) setEpoch((before) => before + 1);
    }, orderEveryMs);
    return () => clearInterval(timer);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the ranks are kept on purpose while only values change.
  const rankById = useMemo(
    () => new Map(sortFleet(rows, sort).map(({ id }, rank) => [id, rank])),
    [sort, epoch, rows.length],
  );
  return useMemo(() => {
    const rankOf = ({ id }: FleetRow) => rankById.get(id) ?? Number.MAX_SAFE_INTEGER;
    return [...rows].sort((left, right) => rankOf(left) - rankOf(right));
  }, [rows, rankById]);
}

const orderEveryMs = 3_000;
