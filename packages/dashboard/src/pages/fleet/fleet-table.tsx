import {
  type ColumnDef,
  rowPaginationFeature,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { type FleetRow as Row, standingOf } from "@wattboard/protocol";
import { useCallback, useMemo, useState } from "react";
import { ageOf, formatAge } from "../../parts/age.ts";
import { Icon } from "../../ui/icon.tsx";
import { Pager } from "../../ui/pager.tsx";
import { columnClass } from "./fleet-cell.tsx";
import { fleetField } from "./fleet-field.ts";
import type { Sort } from "./fleet-order.ts";
import { FleetRow } from "./fleet-row.tsx";
import { type FleetView, pageSizes, startsDescending, viewLimits } from "./fleet-view.ts";
import { useHold } from "./use-hold.ts";

interface FleetTableProps {
  /** The rows of this page of the list, and how many the list has. */
  readonly rows: readonly Row[];
  readonly total: number;
  readonly view: FleetView;
  readonly nowMs: number;
  readonly isHighlighted: boolean;
  /** Whether the order stands still just now. */
  readonly isHeld: boolean;
  readonly onChange: (change: Partial<FleetView>) => void;
  /** Called with true while somebody aims at a row, and its place should not change. */
  readonly onHold: (holding: boolean) => void;
}

// The rows come filtered, sorted and cut to a page: done here, all of it would be done anew for every sample.
const features = tableFeatures({ rowSortingFeature, rowPaginationFeature });

/** A page of the fleet. The address holds what is chosen; TanStack Table tells what a click on a head or on the pager makes of it. */
export function FleetTable(props: FleetTableProps) {
  const { rows, total, view, nowMs, isHighlighted, isHeld, onChange, onHold } = props;
  const [openId, setOpenId] = useState<string | null>(null);
  const toggle = useCallback((id: string) => setOpenId((before) => (before === id ? null : id)), []);
  const hold = useHold(onHold);
  const fields = useMemo(() => view.columns.slice(1).map(fleetField), [view.columns]);
  const columns = useMemo(() => view.columns.map(columnOf), [view.columns]);
  const sorting = useMemo(
    () => view.sorts.map(({ field, descending }) => ({ id: field, desc: descending })),
    [view.sorts],
  );
  const pagination = useMemo(() => ({ pageIndex: view.page - 1, pageSize: view.pageSize }), [view.page, view.pageSize]);
  const table = useTable({
    features,
    columns,
    data: rows,
    getRowId: ({ id }) => id,
    manualSorting: true,
    manualPagination: true,
    rowCount: total,
    maxMultiSortColCount: viewLimits.sorts,
    state: { sorting, pagination },
    onSortingChange: (update) => {
      const next = typeof update === "function" ? update(sorting) : update;
      onChange({ sorts: next.map(({ id, desc }): Sort => ({ field: id, descending: desc })) });
    },
    onPaginationChange: (update) => {
      const { pageIndex } = typeof update === "function" ? update(pagination) : update;
      onChange({ page: pageIndex + 1 });
    },
  });
  const first = (view.page - 1) * view.pageSize;

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse. */}
      <section className="fleet-scroll" aria-label="Devices, a table that scrolls sideways" tabIndex={0}>
        <table className={`fleet ${isHighlighted ? "is-highlighted" : ""}`} aria-rowcount={total + 1}>
          <caption className="sr-only">
            Devices, page {view.page} of {Math.max(1, table.getPageCount())}. A head sorts by its column, with Shift in
            addition to others. The button in a row's head shows its last 30 seconds.
          </caption>
          <thead>
            {table.getHeaderGroups().map(({ id, headers }) => (
              <tr key={id}>
                {headers.map(({ column }) => {
                  const field = fleetField(column.id);
                  const sorted = column.getIsSorted();
                  return (
                    <th
                      key={column.id}
                      scope="col"
                      className={column.id === "id" ? "col-id" : columnClass(field)}
                      aria-sort={sorted === false ? "none" : sorted === "desc" ? "descending" : "ascending"}
                    >
                      <button
                        type="button"
                        title={`${field.name}; Shift adds it to the order`}
                        onClick={column.getToggleSortingHandler()}
                      >
                        {field.label}
                        {sorted !== false && <Icon name={sorted === "desc" ? "down" : "up"} size={11} />}
                        {sorted !== false && sorting.length > 1 && (
                          <span className="sort-rank">{column.getSortIndex() + 1}</span>
                        )}
                      </button>
                    </th>
                  );
                })}
              </tr>
            ))}
          </thead>
          <tbody {...hold}>
            {table.getRowModel().rows.map(({ id, original }, index) => {
              const ageMs = ageOf(original.observed_at_ms, nowMs);
              return (
                <FleetRow
                  key={id}
                  row={original}
                  fields={fields}
                  index={first + index}
                  standing={standingOf(original, ageMs)}
                  age={ageMs === null ? null : formatAge(ageMs)}
                  isOpen={id === openId}
                  onToggle={toggle}
                />
              );
            })}
            {total === 0 && (
              <tr className="none-shown">
                <td colSpan={columns.length}>No device fits this filter.</td>
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
        onBack={table.getCanPreviousPage() ? () => table.previousPage() : null}
        onNext={table.getCanNextPage() ? () => table.nextPage() : null}
      />
    </>
  );
}

function columnOf(name: string): ColumnDef<typeof features, Row> {
  const { label, read } = fleetField(name);
  return { id: name, header: label, accessorFn: (row) => read(row, 0), sortDescFirst: startsDescending(name) };
}
