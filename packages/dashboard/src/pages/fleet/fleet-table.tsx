import { type Condition, freshnessOf, type FleetRow as Row } from "@wattboard/protocol";
import { Fragment, useCallback, useMemo, useState } from "react";
import { ageOf, formatAge } from "../../domain/age.ts";
import { Icon } from "../../ui/icon.tsx";
import { Pager } from "../../ui/pager.tsx";
import { cellLook } from "./fleet-cell.tsx";
import { fleetField } from "./fleet-field.ts";
import { FleetRow } from "./fleet-row.tsx";
import styles from "./fleet-table.module.css";
import { type FleetView, pageSizes, turnSort, viewLimits } from "./fleet-view.ts";
import type { GroupHeading } from "./group-fleet.ts";
import { GroupRow } from "./group-row.tsx";
import { useHold } from "./use-hold.ts";

interface FleetTableProps {
  /** The rows of this page of the list, and how many the list has. */
  readonly rows: readonly Row[];
  readonly total: number;
  /** By the id of the row that each stands above; null where the list is not divided. */
  readonly headings: ReadonlyMap<string, GroupHeading> | null;
  readonly view: FleetView;
  readonly nowMs: number;
  readonly isHighlighted: boolean;
  /** Whether the order stands still just now. */
  readonly isHeld: boolean;
  readonly onChange: (change: Partial<FleetView>) => void;
  /** Called with true while somebody aims at a row, and its place should not change. */
  readonly onHold: (holding: boolean) => void;
}

/** A page of the fleet, whose rows come filtered, ordered and cut to a page. The address holds what is chosen. */
export function FleetTable(props: FleetTableProps) {
  const { rows, total, headings, view, nowMs, isHighlighted, isHeld, onChange, onHold } = props;
  const [openId, setOpenId] = useState<string | null>(null);
  const toggle = useCallback((id: string) => setOpenId((before) => (before === id ? null : id)), []);
  const hold = useHold(onHold);
  const fields = useMemo(() => view.columns.slice(1).map(fleetField), [view.columns]);
  const first = (view.page - 1) * view.pageSize;
  const pages = Math.max(1, Math.ceil(total / view.pageSize));

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse. */}
      <section className={styles.scroll} aria-label="Devices, a table that scrolls sideways" tabIndex={0}>
        <table className={styles.table} aria-rowcount={total + 1}>
          <caption className="sr-only">
            Devices, page {view.page} of {pages}. A head sorts by its column, with Shift in addition to others. The
            button in a row's head shows its last 30 seconds.
          </caption>
          <thead>
            <tr>
              {view.columns.map((name) => (
                <HeadCell key={name} name={name} view={view} onChange={onChange} />
              ))}
            </tr>
          </thead>
          <tbody {...hold}>
            {rows.map((row, index) => {
              const ageMs = ageOf(row.observed_at_ms, nowMs);
              const heading = headings?.get(row.id);
              return (
                <Fragment key={row.id}>
                  {heading !== undefined && <Group heading={heading} view={view} onChange={onChange} />}
                  <FleetRow
                    row={row}
                    fields={fields}
                    index={first + index}
                    freshness={freshnessOf(row, ageMs)}
                    age={ageMs === null ? null : formatAge(ageMs)}
                    lightsUp={isHighlighted}
                    isOpen={row.id === openId}
                    onToggle={toggle}
                  />
                </Fragment>
              );
            })}
            {total === 0 && (
              <tr>
                <td className={styles.none} colSpan={view.columns.length}>
                  No device fits this filter.
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
      <Pager
        note={isHeld ? "Rows keep their place while you point at them." : ""}
        from={total === 0 ? 0 : first + 1}
        to={first + rows.length}
        total={total}
        pageSize={view.pageSize}
        pageSizes={pageSizes}
        onPageSize={(pageSize) => onChange({ pageSize, page: Math.floor(first / pageSize) + 1 })}
        onBack={view.page > 1 ? () => onChange({ page: view.page - 1 }) : null}
        onNext={view.page < pages ? () => onChange({ page: view.page + 1 }) : null}
      />
    </>
  );
}

interface GroupProps extends Pick<FleetTableProps, "view" | "onChange"> {
  readonly heading: GroupHeading;
}

/** The heading of a group, from which its devices can be seen alone. */
function Group({ heading, view: { columns, conditions }, onChange }: GroupProps) {
  const { field, value } = heading;
  const only = (condition: Condition) => onChange({ conditions: [...conditions, condition], group: null });
  const isAlone = value === null || conditions.length >= viewLimits.conditions;
  return (
    <GroupRow
      heading={heading}
      columns={columns.length}
      onOnly={isAlone ? null : () => only({ field, operator: "=", value })}
    />
  );
}

interface HeadCellProps {
  readonly name: string;
  readonly view: FleetView;
  readonly onChange: (change: Partial<FleetView>) => void;
}

/** The head of a column, which orders the rows by it. */
function HeadCell({ name, view: { sorts }, onChange }: HeadCellProps) {
  const field = fleetField(name);
  const rank = sorts.findIndex((sort) => sort.field === name);
  const descending = sorts[rank]?.descending;
  return (
    <th
      scope="col"
      className={name === "id" ? styles.first : undefined}
      {...cellLook(field)}
      aria-sort={descending === undefined ? "none" : descending ? "descending" : "ascending"}
    >
      <button
        type="button"
        title={`${name}; Shift adds it to the order`}
        onClick={({ shiftKey }) => onChange({ sorts: turnSort(sorts, name, shiftKey) })}
      >
        <span className={styles.label}>{field.label}</span>
        {descending !== undefined && <Icon name={descending ? "down" : "up"} size={11} />}
        {descending !== undefined && sorts.length > 1 && <span className={styles.rank}>{rank + 1}</span>}
      </button>
    </th>
  );
}
