import type { EventsBody, FleetRow, RenewalBody } from "@wattboard/protocol";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { mayCommandAny, useMe } from "../../api/me.ts";
import type { RequestFailed } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { EventList } from "../../domain/event-list.tsx";
import { WaitingDevices } from "../../domain/waiting-devices.tsx";
import { LostNotice } from "../../frame/lost-notice.tsx";
import { Page, Waiting } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { useScrollMemory } from "../../frame/use-scroll-memory.ts";
import type { LinkView } from "../../live/link-view.ts";
import { useFleetFeed } from "../../live/use-fleet-feed.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { formatNumber } from "../../ui/format-number.ts";
import { Notice } from "../../ui/notice.tsx";
import { useTick } from "../../ui/use-tick.ts";
import { arrangeFleet } from "./arrange-fleet.ts";
import { EmptyFleet } from "./empty-fleet.tsx";
import { FleetAlarms } from "./fleet-alarms.tsx";
import { FleetOverview } from "./fleet-overview.tsx";
import styles from "./fleet-page.module.css";
import { FleetTable } from "./fleet-table.tsx";
import { FleetTools } from "./fleet-tools.tsx";
import { fleetTotals } from "./fleet-totals.ts";
import { changeView, type FleetView, formatView, parseView } from "./fleet-view.ts";
import { type FleetGroup, groupFleet, headingsOf } from "./group-fleet.ts";
import { storedPageSize, storePageSize } from "./stored-page-size.ts";
import { useFleetFields } from "./use-fleet-fields.ts";
import { useHighlight } from "./use-highlight.ts";
import { useSampledRows } from "./use-sampled-rows.ts";

/** Arranging 10,000 rows takes some milliseconds, so it is done at most this often, however fast samples come. Shown rows follow each sample. */
const arrangeEveryMs = 500;

/** `/`: the whole fleet. What is shown of it stands in the address, so that it survives a look at a device and can be shared. */
export function FleetPage() {
  useTick(1_000);
  const { rows: rowsById, complete, total, link } = useFleetFeed();
  const { view, faults, change } = useFleetView();
  const [holding, setHolding] = useState(false);
  const highlight = useHighlight();

  const refusal = useRefusal(link);
  const nowMs = serverClock.now();
  const recent = useSampledRows(rowsById, arrangeEveryMs);
  const totals = useMemo(() => fleetTotals(recent.values(), serverClock.now()), [recent]);
  const { fields, valuesOf } = useFleetFields(rowsById);

  const { ids, groups, found } = useArrangedFleet(rowsById, view, holding);
  const commandable = useCommandable(ids);
  const page = Math.min(view.page, Math.max(1, Math.ceil(ids.length / view.pageSize)));
  const shown = ids.slice((page - 1) * view.pageSize, page * view.pageSize).flatMap((id) => rowsById.get(id) ?? []);

  const headings = useHeadings(groups, recent, { ...view, page });

  useScrollMemory(pagePaths.fleet, shown.length > 0);

  return (
    <Page title="Fleet" {...(refusal === null && { link })}>
      <h1 className="sr-only">Fleet</h1>
      {refusal !== null ? <RefusedNotice failure={refusal} /> : <LostNotice link={link} />}
      {faults.length > 0 && <AddressFaults faults={faults} />}
      {!complete && rowsById.size === 0 && refusal === null && link.phase !== "lost" && <Waiting for="the fleet" />}
      {!complete && rowsById.size > 0 && <Arriving count={rowsById.size} total={total} />}
      {refusal === null && link.phase !== "connecting" && <FleetAlarms nowMs={nowMs} />}
      {refusal === null && <Renewal />}
      {refusal === null && <WaitingDevices nowMs={nowMs} />}
      {complete && rowsById.size === 0 && <EmptyFleet />}
      {rowsById.size > 0 && (
        <>
          <div className={styles.head}>
            <FleetOverview totals={totals} isLost={link.phase === "lost"} />
            <FleetEvents isAsked={refusal === null} nowMs={nowMs} />
          </div>
          <FleetTools
            view={view}
            totals={totals}
            shown={ids.length}
            found={found}
            commandable={commandable}
            fields={fields}
            valuesOf={valuesOf}
            highlight={highlight}
            onChange={change}
          />
          <FleetTable
            rows={shown}
            headings={headings}
            total={ids.length}
            view={page === view.page ? view : { ...view, page }}
            nowMs={nowMs}
            isHeld={holding}
            isHighlighted={highlight.isOn}
            onChange={change}
            onHold={setHolding}
          />
        </>
      )}
    </Page>
  );
}

function FleetEvents({ isAsked, nowMs }: { readonly isAsked: boolean; readonly nowMs: number }) {
  const { body, failure } = usePolled<EventsBody>(isAsked ? apiPaths.events() : null, { everyMs: 10_000 });
  const allAt = pagePaths.events();
  return <EventList events={body?.events ?? null} failure={failure} nowMs={nowMs} namesDevice allAt={allAt} />;
}

/** The view that the address holds, and what changes it. */
function useFleetView() {
  const [params, setParams] = useSearchParams();
  const address = params.toString();
  const { view, faults } = useMemo(() => parseView(new URLSearchParams(address), storedPageSize()), [address]);
  const change = (changes: Partial<FleetView>) => {
    // Before the address, which leaves the usual number out.
    if (changes.pageSize !== undefined) storePageSize(changes.pageSize);
    setParams((before) => formatView(changeView(parseView(before, view.pageSize).view, changes)), { replace: true });
  };
  return { view, faults, change };
}

/** The devices that fit the view, in its order, and how many there were when the view was last changed. */
function useArrangedFleet(rows: ReadonlyMap<string, FleetRow>, view: FleetView, isHeld: boolean) {
  const held = useSampledRows(rows, arrangeEveryMs, isHeld);
  const wanted = useDeferredValue(view);
  const before = useRef<readonly string[]>([]);
  const { ids, groups } = useMemo(() => {
    const nowMs = serverClock.now();
    before.current = arrangeFleet(held, wanted, nowMs, before.current);
    if (wanted.group === null) return { ids: before.current, groups: null };
    const grouped = groupFleet(before.current, held, wanted.group, nowMs);
    return { ids: grouped.flatMap((group) => group.ids), groups: grouped };
  }, [held, wanted]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: read aloud when the view changes, and not each time that a value does.
  const found = useMemo(() => ids.length, [wanted]);
  return { ids, groups, found };
}

/** How many of these devices whoever looks may command: somebody with devices of their own may see others besides. */
function useCommandable(ids: readonly string[]): number {
  const me = useMe();
  return useMemo(() => {
    if (!mayCommandAny(me)) return 0;
    const given = me.devices === null ? null : new Set(me.devices);
    return given === null ? ids.length : ids.filter((id) => given.has(id)).length;
  }, [me, ids]);
}

/** What stands above the groups on this page of the list; null where it is not divided. */
function useHeadings(
  groups: readonly FleetGroup[] | null,
  recent: ReadonlyMap<string, FleetRow>,
  { group, page, pageSize }: Pick<FleetView, "group" | "page" | "pageSize">,
) {
  return useMemo(() => {
    const first = (page - 1) * pageSize;
    return groups === null || group === null
      ? null
      : headingsOf(groups, group, recent, [first, first + pageSize], serverClock.now());
  }, [groups, group, recent, page, pageSize]);
}

/** Why the stream was refused: a browser does not tell that of a socket; the same door asked by HTTP does. */
function useRefusal(link: LinkView): RequestFailed | null {
  const { failure } = usePolled<unknown>(link.phase === "lost" ? apiPaths.devices : null, { everyMs: 10_000 });
  return failure?.isRefused === true ? failure : null;
}

function AddressFaults({ faults }: { readonly faults: readonly string[] }) {
  return (
    <Notice tone="warn" title="Not all of this address could be read; the rest holds.">
      {faults.map((fault) => (
        <p key={fault}>{fault}</p>
      ))}
    </Notice>
  );
}

/** While the store makes its summaries anew: what is shown of the days of before may still change. */
function Renewal() {
  const { body } = usePolled<RenewalBody>(apiPaths.renewal, { everyMs: 10_000 });
  if (body === null || body.renewed_share === 1) return null;
  return (
    <Notice
      tone="info"
      icon="clock"
      title={`The history of before is summed up anew: ${Math.floor(100 * body.renewed_share)} % done`}
    >
      <p>Energy and coverage of those days may still change a little. Nothing needs to be done.</p>
    </Notice>
  );
}

function Arriving({ count, total }: { readonly count: number; readonly total: number | null }) {
  return (
    <Notice
      tone="info"
      icon="clock"
      title={`${formatNumber(count, 0)} of ${total === null ? "all" : formatNumber(total, 0)} devices loaded`}
    >
      <p>Sums, counts and filters are of these until all are here.</p>
    </Notice>
  );
}
