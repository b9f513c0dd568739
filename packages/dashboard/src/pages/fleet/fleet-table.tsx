import type { FleetRow as Row } from "@wattboard/protocol";
import { useRef } from "react";
import { ageOf, formatAge, standing } from "../../parts/age.ts";
import { Icon } from "../../ui/icon.tsx";
import { useMedia } from "../../ui/use-media.ts";
import { useWindowSlice } from "../../ui/use-window-slice.ts";
import { nextSort, type Sort, sortKeys } from "./fleet-query.ts";
import { FleetRow } from "./fleet-row.tsx";
import { columnNames } from "./fleet-tools.tsx";

interface FleetTableProps {
  readonly rows: readonly Row[];
  readonly nowMs: number;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
  /** Called with true while someone points at a row, and its place should not change. */
  readonly onHold: (holding: boolean) => void;
}

/** The heights are fixed in fleet.css too: rows out of view are only space. */
const rowPx = { wide: 56, narrow: 150 };

export function FleetTable({ rows, nowMs, sort, onSort, onHold }: FleetTableProps) {
  const narrow = useMedia("(max-width: 860px)");
  const heightPx = narrow ? rowPx.narrow : rowPx.wide;
  const bodyRef = useRef<HTMLTableSectionElement>(null);
  const { from, to } = useWindowSlice(bodyRef, rows.length, heightPx);

  return (
    <table className="fleet" aria-rowcount={rows.length + 1}>
      <thead>
        <tr>
          {sortKeys.map((key) => (
            <th
              key={key}
              scope="col"
              className={`col-${key}`}
              aria-sort={sort.key !== key ? "none" : sort.descending ? "descending" : "ascending"}
            >
              <button type="button" onClick={() => onSort(nextSort(sort, key))}>
                {columnNames[key]}
                {sort.key === key && <Icon name={sort.descending ? "down" : "up"} size={11} />}
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody
        ref={bodyRef}
        onPointerEnter={(event) => event.pointerType === "mouse" && onHold(true)}
        onPointerLeave={() => onHold(false)}
        onFocus={() => onHold(true)}
        onBlur={() => onHold(false)}
      >
        <Space px={from * heightPx} />
        {rows.slice(from, to).map((row, index) => {
          const ageMs = ageOf(row.observed_at_ms, nowMs);
          return (
            <FleetRow
              key={row.id}
              row={row}
              index={from + index}
              standing={standing(row.online, ageMs)}
              age={ageMs === null ? null : formatAge(ageMs)}
            />
          );
        })}
        <Space px={(rows.length - to) * heightPx} />
        {rows.length === 0 && (
          <tr className="none-shown">
            <td colSpan={sortKeys.length}>No device fits this filter.</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** Stands for rows that are out of view. */
function Space({ px }: { readonly px: number }) {
  return px <= 0 ? null : <tr className="space" style={{ height: `${px}px` }} />;
}
