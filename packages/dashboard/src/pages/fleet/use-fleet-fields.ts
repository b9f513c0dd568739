import type { FleetRow } from "@wattboard/protocol";
import { useCallback, useMemo } from "react";
import { fieldsOfFleet, toldValues } from "./fleet-field.ts";
import { useSampledRows } from "./use-sampled-rows.ts";

/** How soon a field that no device had told before can be chosen. */
const fieldsEveryMs = 3_000;

/** The fields that conditions and columns may have, those that devices have told of included; and their values, to choose from. */
export function useFleetFields(rows: ReadonlyMap<string, FleetRow>) {
  const steady = useSampledRows(rows, fieldsEveryMs);
  const fields = useMemo(() => fieldsOfFleet(steady.values()), [steady]);
  const valuesOf = useCallback((field: string) => toldValues(steady.values(), field), [steady]);
  return { fields, valuesOf };
}
