import { type DeviceDetail, pointSpec, standingOf } from "@wattboard/protocol";
import { ageOf, formatAge } from "../../parts/age.ts";
import { signWord } from "../../parts/power.ts";
import { formatNumber } from "../../ui/format-number.ts";
import type { PointValue } from "./flatten-telemetry.ts";
import { groupPoints } from "./group-points.ts";
import type { LivePoint } from "./live-points.ts";

interface PointValuesProps {
  readonly points: ReadonlyMap<string, LivePoint>;
  readonly device: DeviceDetail;
  readonly nowMs: number;
}

/** Every value that the device has sent, known to the catalogue or not, each with its own age. */
export function PointValues({ points, device, nowMs }: PointValuesProps) {
  return (
    <div className="sections">
      {groupPoints(points).map(({ section, title, names }) => (
        <table key={section} className="section">
          <caption>{title}</caption>
          <tbody>
            {names.map((name) => {
              const { value, filedAtMs } = points.get(name) as LivePoint;
              const ageMs = ageOf(filedAtMs, nowMs) ?? 0;
              const stands = standingOf(device, ageMs);
              const spec = pointSpec(name);
              return (
                <tr key={name} className={`is-${stands}`}>
                  <th scope="row">
                    {spec?.label ?? <code title={name}>{name.slice(section.length + 1) || name}</code>}
                    {spec?.sign !== undefined && <span className="sign">{spec.sign}</span>}
                  </th>
                  <td className="value">
                    <Value name={name} value={value} />
                  </td>
                  <td className="age">
                    {stands === "stale" && <span className="tag tag-warn">stale</span>} {formatAge(ageMs)}
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

function Value({ name, value }: { readonly name: string; readonly value: PointValue }) {
  if (value === null) return <span className="absent">no value</span>;
  if (typeof value === "object") {
    return value.length === 0 ? <span className="muted">none</span> : <span className="bad">{value.join(", ")}</span>;
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return <>{String(value)}</>;
  const spec = pointSpec(name);
  const word = signWord(name, value);
  return (
    <>
      <span className="quantity">
        {formatNumber(value, spec?.digits ?? (Number.isInteger(value) ? 0 : 2))}
        {spec !== undefined && spec.unit !== "" && <span className="unit"> {spec.unit}</span>}
      </span>
      {word !== undefined && <span className="value-word">{word}</span>}
    </>
  );
}
