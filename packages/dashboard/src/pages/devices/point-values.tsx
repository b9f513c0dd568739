import type { PointValue } from "@wattboard/protocol";
import { type DeviceDetail, freshnessOf, pointSpec } from "@wattboard/protocol";
import { ageOf, formatAge } from "../../domain/age.ts";
import { ErrorFlags } from "../../domain/error-flags.tsx";
import { signWord } from "../../domain/power.ts";
import type { LivePoint } from "../../live/live-points.ts";
import { formatNumber } from "../../ui/format-number.ts";
import { Quantity } from "../../ui/quantity.tsx";
import { Tag } from "../../ui/tag.tsx";
import { groupPoints } from "./group-points.ts";
import styles from "./point-values.module.css";

interface PointValuesProps {
  readonly points: ReadonlyMap<string, LivePoint>;
  readonly device: DeviceDetail;
  readonly nowMs: number;
}

/** Every value that the device has sent, known to the catalogue or not, each with its own age. */
export function PointValues({ points, device, nowMs }: PointValuesProps) {
  return (
    <div className={styles.sections}>
      {groupPoints(points).map(({ section, title, names }) => (
        <table key={section} className={styles.section}>
          <caption>{title}</caption>
          <tbody>
            {names.map((name) => {
              const { value, filedAtMs } = points.get(name) as LivePoint;
              const ageMs = ageOf(filedAtMs, nowMs) ?? 0;
              const freshness = freshnessOf(device, ageMs);
              const spec = pointSpec(name);
              return (
                <tr key={name} data-freshness={freshness}>
                  <th scope="row">
                    {spec?.label ?? <code title={name}>{name.slice(section.length + 1) || name}</code>}
                    {spec?.sign !== undefined && <span className={styles.sign}>{spec.sign}</span>}
                  </th>
                  <td className={styles.value}>
                    <PointCell name={name} value={value} />
                  </td>
                  <td className={styles.age}>
                    {freshness === "stale" && <Tag tone="warn">stale</Tag>} {formatAge(ageMs)}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      ))}
    </div>
  );
}

function PointCell({ name, value }: { readonly name: string; readonly value: PointValue }) {
  if (value === null) return <span className="muted">no value</span>;
  if (typeof value === "object") {
    return value.length === 0 ? <span className="muted">none</span> : <ErrorFlags flags={value} />;
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return <>{String(value)}</>;
  const spec = pointSpec(name);
  const word = signWord(name, value);
  return (
    <>
      <b>
        <Quantity
          value={formatNumber(value, spec?.digits ?? (Number.isInteger(value) ? 0 : 2))}
          unit={spec?.unit ?? ""}
        />
      </b>
      {word !== undefined && <span className={styles.word}>{word}</span>}
    </>
  );
}
