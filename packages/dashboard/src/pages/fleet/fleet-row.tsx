import { isOfSmartOs, type FleetRow as Row } from "@wattboard/protocol";
import { memo } from "react";
import { Link } from "wouter";
import type { Standing } from "../../parts/age.ts";
import { modeWord } from "../../parts/mode-word.ts";
import { placeOf } from "../../parts/place.ts";
import type { PowerPoint } from "../../parts/power.ts";
import { PowerValue } from "../../parts/power-value.tsx";
import { StateChip } from "../../parts/state-chip.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { isSimulated, presentPower } from "./fleet-query.ts";

interface FleetRowProps {
  readonly row: Row;
  readonly index: number;
  readonly standing: Standing;
  /** As text, so that a row renders when its age reads differently and not with every tick. */
  readonly age: string | null;
}

const powers: readonly [PowerPoint, string, IconName][] = [
  ["solar.power", "solar", "sun"],
  ["load.power", "load", "house"],
  ["battery.power", "battery", "battery"],
  ["grid.power", "grid", "pylon"],
];

export const FleetRow = memo(function FleetRow({ row, index, standing, age }: FleetRowProps) {
  const { id, name, online, state, mode, error_flags, points } = row;
  return (
    <tr className={`fleet-row is-${standing}`} aria-rowindex={index + 2}>
      <td className="col-device">
        <Link className="row-link" href={`/devices/${encodeURIComponent(id)}`}>
          {name || id}
        </Link>
        <span className="device-sub">
          {name !== "" && name !== id && <span className="device-id">{id}</span>}
          {isSimulated(row) && <span className="tag">simulated</span>}
          {row.clock === "server" && row.observed_at_ms !== null && !isOfSmartOs(row.properties) && (
            <span
              className="tag tag-warn"
              title="The device's clock is off; its samples are filed under the time of receipt."
            >
              clock off
            </span>
          )}
        </span>
      </td>
      <td className="col-place">{placeOf(row.properties) || <span className="absent">—</span>}</td>
      <td className="col-state">
        <StateChip online={online} state={state} />
        {online && error_flags.length > 0 && (
          <span className="flags" title={error_flags.join(", ")}>
            {error_flags[0]}
            {error_flags.length > 1 && ` +${error_flags.length - 1}`}
          </span>
        )}
      </td>
      <td className="col-mode">{online ? modeWord(mode) : <span className="absent">—</span>}</td>
      <td className="col-soc">
        <ChargeBar soc={points["battery.soc"] ?? null} />
      </td>
      {powers.map(([point, column, icon]) => (
        <td key={point} className={`col-${column} hue-${column}`}>
          <Icon name={icon} />
          <PowerValue point={point} signedW={presentPower(row, point)} />
        </td>
      ))}
      <td className="col-age">
        <AgeWords standing={standing} age={age} />
      </td>
    </tr>
  );
});

function AgeWords({ standing, age }: { readonly standing: Standing; readonly age: string | null }) {
  if (standing === "never" || (standing === "offline" && age === null))
    return <span className="age-word">never heard</span>;
  if (standing === "offline") {
    return (
      <>
        <span className="age-word">last</span> {age} <span className="age-word">ago</span>
      </>
    );
  }
  return (
    <>
      {standing === "stale" && <span className="age-word tag tag-warn">stale</span>} {age}
    </>
  );
}

function ChargeBar({ soc }: { readonly soc: number | null }) {
  if (soc === null) return <span className="absent">—</span>;
  return (
    <span className="charge">
      <span className="charge-bar" aria-hidden="true">
        <span className={soc < 15 ? "is-low" : ""} style={{ transform: `scaleX(${soc / 100})` }} />
      </span>
      <span className="quantity">
        {formatNumber(soc, 0)} <span className="unit">%</span>
      </span>
    </span>
  );
}
