import { type FleetRow, isOfSmartOs, type Scalar, type Standing } from "@wattboard/protocol";
import { useRef } from "react";
import { Link } from "wouter";
import { modeWord } from "../../parts/mode-word.ts";
import { countryName } from "../../parts/place.ts";
import type { PowerPoint } from "../../parts/power.ts";
import { PowerValue } from "../../parts/power-value.tsx";
import { StateChip } from "../../parts/state-chip.tsx";
import { formatNumber, scaleQuantity } from "../../ui/format-number.ts";
import { Icon } from "../../ui/icon.tsx";
import type { FleetField } from "./fleet-field.ts";
import { asNumber, isSimulated } from "./fleet-filter.ts";

interface FleetCellProps {
  readonly field: FleetField;
  readonly row: FleetRow;
  readonly standing: Standing;
  readonly age: string | null;
}

/** One value of one device. It lights up when it changes, where the table wants that. */
export function FleetCell({ field, row, standing, age }: FleetCellProps) {
  // An age changes by itself, and so does what is compared with one.
  const value = field.name === "age" ? null : field.read(row, 0);
  const changes = useChanges(value);
  // Two names for one animation: the same name again would not start it anew.
  const flash = changes === 0 ? "" : changes % 2 === 1 ? "flash-odd" : "flash-even";
  return (
    <td className={`${columnClass(field)} ${flash}`}>
      <Value field={field} row={row} value={value} standing={standing} age={age} />
    </td>
  );
}

/** How the cells of a field are set: numbers stand under each other. */
export function columnClass({ name, kind, unit }: FleetField): string {
  const isRight = (kind === "number" && name !== "battery.soc") || name === "age";
  return `${isRight ? "is-number" : ""} ${name === "battery.soc" ? "is-charge" : ""} ${unit === "W" ? "is-power" : ""}`;
}

/** How often the value has changed since it was first shown. */
function useChanges(value: Scalar): number {
  const seen = useRef({ value, count: 0 });
  if (!Object.is(seen.current.value, value)) seen.current = { value, count: seen.current.count + 1 };
  return seen.current.count;
}

const signedPowers: ReadonlySet<string> = new Set<PowerPoint>([
  "solar.power",
  "load.power",
  "battery.power",
  "grid.power",
]);

function Value({ field, row, value, standing, age }: FleetCellProps & { readonly value: Scalar }) {
  const { name, unit, digits, kind } = field;
  if (name === "age") return <AgeWords standing={standing} age={age} />;
  if (name === "online") return <OnlineWord online={row.online} />;
  if (name === "error_flags" && value !== null) return <span className="bad">{value}</span>;
  if (value === null || value === "") return <span className="absent">—</span>;
  if (name === "state") return <StateChip online={row.online} state={row.state} isHeard />;
  if (name === "mode") return modeWord(row.mode);
  if (name === "battery.soc") return <ChargeBar soc={Number(value)} />;
  if (signedPowers.has(name)) return <PowerValue point={name as PowerPoint} signedW={Number(value)} />;
  if (name === "properties.country") return <span title={countryName(String(value))}>{value}</span>;
  if (typeof value === "boolean") return value ? "yes" : "no";
  const number = kind === "number" ? asNumber(value) : typeof value === "number" ? value : null;
  if (number === null) return <span title={String(value)}>{value}</span>;
  if (unit === "W" || unit === "Wh") {
    const scaled = scaleQuantity(number, unit);
    return (
      <span className="quantity">
        {scaled.value} <span className="unit">{scaled.unit}</span>
      </span>
    );
  }
  const shownDigits = digits > 0 || Number.isInteger(number) || unit !== "" ? digits : 2;
  return (
    <span className="quantity">
      {formatNumber(number, shownDigits)} <span className="unit">{unit}</span>
    </span>
  );
}

/** The name of the device, which leads to its page, and what should be known of all its values. */
export function DeviceName({ row: { id, name, properties, clock, observed_at_ms } }: { readonly row: FleetRow }) {
  const isSolMate = isOfSmartOs(properties);
  // A SolMate tells no time of measurement, so the server's clock is the right one for it.
  const isClockOff = clock === "server" && observed_at_ms !== null && !isSolMate;
  return (
    <span className="device-name">
      <Link className="row-link" href={`/devices/${encodeURIComponent(id)}`}>
        {name || id}
      </Link>
      <span className="device-sub">
        {name !== "" && name !== id && <span className="device-id">{id}</span>}
        {isSimulated({ properties }) && <span className="tag">simulated</span>}
        {isSolMate && <span className="tag">SolMate</span>}
        {isClockOff && (
          <span
            className="tag tag-warn"
            title="The device's clock is off; its samples are filed under the time of receipt."
          >
            clock off
          </span>
        )}
      </span>
    </span>
  );
}

function OnlineWord({ online }: { readonly online: boolean }) {
  return (
    <span className={`online-word ${online ? "is-on" : ""}`}>
      <Icon name={online ? "check" : "unlinked"} size={13} />
      {online ? "online" : "offline"}
    </span>
  );
}

function AgeWords({ standing, age }: { readonly standing: Standing; readonly age: string | null }) {
  if (age === null) return <span className="age-word">never heard</span>;
  if (standing === "offline") {
    return (
      <>
        {age} <span className="age-word">ago</span>
      </>
    );
  }
  return (
    <>
      {standing === "stale" && <span className="age-word tag tag-warn">stale</span>}
      {standing === "resting" && (
        <span className="age-word" title="It sends only what has changed: what it said last still holds.">
          resting
        </span>
      )}{" "}
      {age}
    </>
  );
}

function ChargeBar({ soc }: { readonly soc: number }) {
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
