import type { Freshness, FleetRow as Row } from "@wattboard/protocol";
import { lazy, type MouseEvent, memo, Suspense } from "react";
import { Icon } from "../../ui/icon.tsx";
import { DeviceName, FleetCell } from "./fleet-cell.tsx";
import type { FleetField } from "./fleet-field.ts";
import styles from "./fleet-table.module.css";

const FleetTrend = lazy(async () => ({ default: (await import("./fleet-trend.tsx")).FleetTrend }));

interface FleetRowProps {
  readonly row: Row;
  /** The device's own column is not among them: it heads the row. */
  readonly fields: readonly FleetField[];
  /** From 0, in the whole list. */
  readonly index: number;
  readonly freshness: Freshness;
  /** As text, so that a row renders when its age reads differently and not with every tick. */
  readonly age: string | null;
  readonly lightsUp: boolean;
  readonly isOpen: boolean;
  readonly onToggle: (id: string) => void;
}

/** A device, and below it its last 30 seconds once it is clicked. */
export const FleetRow = memo(function FleetRow(props: FleetRowProps) {
  const { row, fields, index, freshness, age, lightsUp, isOpen, onToggle } = props;
  const trendId = `trend-${row.id}`;
  const onClick = ({ target }: MouseEvent) => {
    const isSelecting = getSelection()?.isCollapsed === false;
    if (!isSelecting && !(target as Element).closest("a, button")) onToggle(row.id);
  };
  return (
    <>
      {/* The button in the row's head does the same for those without a mouse; a row is only easier to hit. */}
      <tr
        className={styles.row}
        data-freshness={freshness}
        data-open={isOpen}
        aria-rowindex={index + 2}
        onClick={onClick}
      >
        <th scope="row" className={styles.first}>
          <span className={styles.head}>
            <button
              type="button"
              className={styles.trend}
              aria-expanded={isOpen}
              aria-controls={trendId}
              aria-label={`Last 30 seconds of ${row.name || row.id}`}
              onClick={() => onToggle(row.id)}
            >
              <Icon name="trend" size={14} />
            </button>
            <DeviceName row={row} />
          </span>
        </th>
        {fields.map((field) => (
          <FleetCell key={field.name} field={field} row={row} freshness={freshness} age={age} lightsUp={lightsUp} />
        ))}
      </tr>
      {isOpen && (
        <tr id={trendId}>
          <td className={styles.opened} colSpan={fields.length + 1}>
            <Suspense fallback={<p className="muted">Opening…</p>}>
              <FleetTrend row={row} />
            </Suspense>
          </td>
        </tr>
      )}
    </>
  );
});
