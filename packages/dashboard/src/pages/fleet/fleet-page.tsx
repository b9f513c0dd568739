import { type EventBody, paths } from "@wattboard/protocol";
import { useDeferredValue, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { serverClock } from "../../api/server-clock.ts";
import { useFleetFeed } from "../../api/use-fleet-feed.ts";
import { usePolled } from "../../api/use-polled.ts";
import { LostNotice } from "../../parts/lost-notice.tsx";
import { RefusedNotice } from "../../parts/refused-notice.tsx";
import { TopBar } from "../../parts/top-bar.tsx";
import { useTick } from "../../ui/use-tick.ts";
import { useTitle } from "../../ui/use-title.ts";
import { EmptyFleet } from "./empty-fleet.tsx";
import { FleetEvents } from "./fleet-events.tsx";
import { FleetOverview } from "./fleet-overview.tsx";
import { type FleetPart, filterFleet, fleetParts, formatSort, parseSort, type Sort } from "./fleet-query.ts";
import { FleetTable } from "./fleet-table.tsx";
import { FleetTools } from "./fleet-tools.tsx";
import { fleetTotals } from "./fleet-totals.ts";
import { useHeldOrder } from "./use-held-order.ts";
import "./fleet.css";

/** `/`: the whole fleet. The filter and the order stand in the address, so that they survive a look at a device and can be shared. */
export function FleetPage() {
  useTick(1_000);
  useTitle("Fleet · Wattboard");
  const { rows, complete, link } = useFleetFeed();
  const [params, setParams] = useSearchParams();
  const [holding, setHolding] = useState(false);

  // A browser does not tell why a socket was refused; the same door asked by HTTP does.
  const probe = usePolled<unknown>(link.phase === "live" ? null : `${paths.api}/devices`, { everyMs: 10_000 });
  const refusal = probe.failure?.isRefused === true ? probe.failure : null;
  const events = usePolled<{ events: EventBody[] }>(refusal === null ? `${paths.api}/events` : null, {
    everyMs: 10_000,
  });

  const text = params.get("q") ?? "";
  const part = fleetParts.find((known) => known === params.get("show")) ?? "all";
  const sortText = params.get("sort");
  const sort = useMemo(() => parseSort(sortText), [sortText]);
  const change = (name: string, value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === "") next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );

  const nowMs = serverClock.now();
  const ordered = useHeldOrder(rows, sort, holding);
  const wanted = useDeferredValue(text);
  const shown = useMemo(() => filterFleet(ordered, wanted, part), [ordered, wanted, part]);
  const totals = fleetTotals(rows, nowMs);

  return (
    <>
      <TopBar link={link} />
      <main id="content" className="page">
        <h1 className="sr-only">Fleet</h1>
        {refusal !== null ? <RefusedNotice failure={refusal} /> : <LostNotice link={link} />}
        {!complete && refusal === null && link.phase !== "lost" && <p className="waiting">Waiting for the fleet…</p>}
        {complete && rows.length === 0 && <EmptyFleet />}
        {rows.length > 0 && (
          <>
            <div className="fleet-head">
              <FleetOverview totals={totals} isLost={link.phase === "lost"} />
              <FleetEvents events={events.body?.events ?? null} failure={events.failure} nowMs={nowMs} />
            </div>
            <FleetTools
              text={text}
              part={part}
              sort={sort}
              totals={totals}
              shown={shown.length}
              onText={(value) => change("q", value)}
              onPart={(value: FleetPart) => change("show", value === "all" ? "" : value)}
              onSort={(value: Sort) => change("sort", formatSort(value))}
            />
            <FleetTable
              rows={shown}
              nowMs={nowMs}
              sort={sort}
              onSort={(value: Sort) => change("sort", formatSort(value))}
              onHold={setHolding}
            />
          </>
        )}
      </main>
    </>
  );
}
