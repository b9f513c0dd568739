import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import list from "../../ui/list.module.css";
import { Panel } from "../../ui/panel.tsx";
import { Segments } from "../../ui/segments.tsx";
import styles from "./add-devices-page.module.css";
import type { ListedDevice, RowResult } from "./device-list-file.ts";

interface RowTableProps {
  readonly rows: readonly ListedDevice[];
  /** By line. */
  readonly results: ReadonlyMap<number, RowResult>;
}

const shownMax = 100;

/** The rows of the file, and what is wrong with some or became of them. */
export function RowTable({ rows, results }: RowTableProps) {
  const [part, setPart] = useState<"all" | "faulty">("all");
  const [count, setCount] = useState(shownMax);
  const isFaulty = ({ line, fault }: ListedDevice) => fault !== null || results.get(line)?.outcome === "refused";
  const faulty = rows.filter(isFaulty);
  const wanted = part === "all" ? rows : faulty;
  return (
    <Panel
      title="Rows"
      aside={
        <Segments
          label="Which rows"
          value={part}
          options={[
            ["all", `All ${formatNumber(rows.length, 0)}`],
            ["faulty", `With a fault ${formatNumber(faulty.length, 0)}`],
          ]}
          onChange={setPart}
        />
      }
    >
      {wanted.length === 0 && <p className="muted">None.</p>}
      {wanted.length > 0 && (
        <table className={list.list}>
          <thead>
            <tr>
              <th>Line</th>
              <th>Device</th>
              <th>Properties</th>
              <th>How it stands</th>
            </tr>
          </thead>
          <tbody>
            {wanted.slice(0, count).map((row) => (
              <ListedRow key={row.line} row={row} result={results.get(row.line)} />
            ))}
          </tbody>
        </table>
      )}
      {wanted.length > count && (
        <div className={styles.more}>
          <Button onClick={() => setCount(count + shownMax)}>
            {formatNumber(Math.min(shownMax, wanted.length - count), 0)} more
          </Button>
        </div>
      )}
    </Panel>
  );
}

interface ListedRowProps {
  readonly row: ListedDevice;
  readonly result: RowResult | undefined;
}

function ListedRow({ row: { line, deviceId, name, properties, fault }, result }: ListedRowProps) {
  return (
    <tr>
      <td data-label="Line">{line}</td>
      <td data-label="Device">
        <b>{name || deviceId || "—"}</b>
        {name !== "" && <code className={list.sub}>{deviceId}</code>}
      </td>
      <td data-label="Properties">
        <span className={styles.properties}>
          {Object.entries(properties).map(([key, value]) => (
            <span key={key}>
              <span className="muted">{key}</span> {value}
            </span>
          ))}
        </span>
      </td>
      <td data-label="How it stands">
        {fault !== null && <span className="bad">{fault}</span>}
        {fault === null && result === undefined && <span className="muted">good</span>}
        {result?.outcome === "added" && "registered"}
        {result?.outcome === "refused" && <span className="bad">{result.message}</span>}
      </td>
    </tr>
  );
}
