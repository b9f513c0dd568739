import { Icon } from "../../ui/icon.tsx";
import { type FleetPart, nextSort, type Sort, type SortKey, sortKeys } from "./fleet-query.ts";
import type { FleetTotals } from "./fleet-totals.ts";

export const columnNames: Record<SortKey, string> = {
  device: "Device",
  place: "Place",
  state: "State",
  mode: "Mode",
  soc: "Charge",
  solar: "Solar",
  load: "Load",
  battery: "Battery",
  grid: "Grid",
  age: "Age",
};

interface FleetToolsProps {
  readonly text: string;
  readonly part: FleetPart;
  readonly sort: Sort;
  readonly totals: FleetTotals;
  readonly shown: number;
  readonly onText: (text: string) => void;
  readonly onPart: (part: FleetPart) => void;
  readonly onSort: (sort: Sort) => void;
}

/** What narrows and orders the list. On a narrow screen, where the table has no head, the order is chosen here. */
export function FleetTools({ text, part, sort, totals, shown, onText, onPart, onSort }: FleetToolsProps) {
  const { devices, online, withError } = totals;
  const parts: [FleetPart, string, number][] = [
    ["all", "All", devices],
    ["online", "Online", online],
    ["offline", "Offline", devices - online],
    ["error", "Errors", withError],
  ];
  return (
    <search className="tools">
      <label className="search">
        <Icon name="search" />
        <span className="sr-only">Filter devices</span>
        <input
          type="search"
          value={text}
          placeholder="Filter by name, place, state…"
          onChange={(event) => onText(event.target.value)}
        />
      </label>
      <div className="segments">
        {parts.map(([name, label, count]) => (
          <button key={name} type="button" aria-pressed={part === name} onClick={() => onPart(name)}>
            {label} <span className="count">{count}</span>
          </button>
        ))}
      </div>
      <div className="sort-select">
        <label>
          <span className="sr-only">Sort by</span>
          <select value={sort.key} onChange={(event) => onSort(nextSort(sort, event.target.value as SortKey))}>
            {sortKeys.map((key) => (
              <option key={key} value={key}>
                {columnNames[key]}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className="icon-button"
          aria-label={sort.descending ? "Largest first" : "Smallest first"}
          onClick={() => onSort({ ...sort, descending: !sort.descending })}
        >
          <Icon name={sort.descending ? "down" : "up"} />
        </button>
      </div>
      <p className="shown-count" role="status">
        {shown === devices ? "" : `${shown} of ${devices} shown`}
      </p>
    </search>
  );
}
