import { asNumber, type FleetRow, type Freshness, isOfSmartOs, type Scalar } from "@wattboard/protocol";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { countryName } from "../../domain/place.ts";
import type { PowerPointName } from "../../domain/power.ts";
import { PowerValue } from "../../domain/power-value.tsx";
import { StateChip } from "../../domain/state-chip.tsx";
import { modeWord } from "../../domain/state-words.ts";
import { pagePaths } from "../../paths.ts";
import { formatNumber, scaleQuantity } from "../../ui/format-number.ts";
import { Icon } from "../../ui/icon.tsx";
import { Quantity } from "../../ui/quantity.tsx";
import { Tag } from "../../ui/tag.tsx";
import type { FleetField } from "./fleet-field.ts";
import { isSimulated } from "./fleet-filter.ts";
import styles from "./fleet-table.module.css";
import { lightUp } from "./light-up.ts";

interface FleetCellProps {
  readonly field: FleetField;
  readonly row: FleetRow;
  readonly freshness: Freshness;
  readonly age: string | null;
}

/** One value of one device. It lights up when it changes, where the table wants that. */
export function FleetCell({ field, row, freshness, age, lightsUp }: FleetCellProps & { readonly lightsUp: boolean }) {
  // An age changes by itself, and so does what is compared with one.
  const value = field.name === "age" ? null : field.read(row, 0);
  const cell = useRef<HTMLTableCellElement>(null);
  const shown = useRef(value);
  useEffect(() => {
    if (Object.is(shown.current, value)) return;
    shown.current = value;
    if (lightsUp && cell.current !== null) lightUp(cell.current);
  }, [value, lightsUp]);
  return (
    <td ref={cell} {...cellLook(field)}>
      <Value field={field} row={row} value={value} freshness={freshness} age={age} />
    </td>
  );
}

/** How the cells of a field are set: numbers stand under each other. */
export function cellLook({ name, kind, unit }: FleetField) {
  if (name === "battery.soc") return { "data-kind": "charge" };
  const align = kind === "number" ? { "data-align": "right" } : {};
  return unit === "W" ? { ...align, "data-kind": "power" } : align;
}

const signedPowers: ReadonlySet<string> = new Set<PowerPointName>([
  "solar.power",
  "load.power",
  "battery.power",
  "grid.power",
]);

function Value({ field, row, value, freshness, age }: FleetCellProps & { readonly value: Scalar }) {
  const { name, unit, digits, kind } = field;
  if (name === "age") return <AgeWords freshness={freshness} age={age} />;
  if (name === "online") return <OnlineWord online={row.online} />;
  if (name === "error_flags" && value !== null) return <span className="bad">{value}</span>;
  if (value === null || value === "") return <span className="muted">—</span>;
  if (name === "state") return <StateChip online={row.online} state={row.state} isHeard />;
  if (name === "mode") return modeWord(row.mode);
  if (name === "battery.soc") return <ChargeBar soc={Number(value)} />;
  if (signedPowers.has(name)) return <PowerValue point={name as PowerPointName} signedW={Number(value)} />;
  if (name === "properties.country") return <span title={countryName(String(value))}>{value}</span>;
  if (typeof value === "boolean") return value ? "yes" : "no";
  const number = kind === "number" ? asNumber(value) : typeof value === "number" ? value : null;
  if (number === null) return <span title={String(value)}>{value}</span>;
  if (unit === "W" || unit === "Wh") {
    return <Quantity {...scaleQuantity(number, unit)} />;
  }
  const shownDigits = digits > 0 || Number.isInteger(number) || unit !== "" ? digits : 2;
  return <Quantity value={formatNumber(number, shownDigits)} unit={unit} />;
}

/** The name of the device, which leads to its page, and what should be known of all its values. */
export function DeviceName({ row: { id, name, properties, clock, observed_at_ms } }: { readonly row: FleetRow }) {
  const isSolMate = isOfSmartOs(properties);
  // A SolMate tells no time of measurement, so the server's clock is the right one for it.
  const isClockOff = clock === "server" && observed_at_ms !== null && !isSolMate;
  return (
    <span className={styles.device}>
      <Link className={styles.name} href={pagePaths.device(id)}>
        {name || id}
      </Link>
      <span className={styles.sub}>
        {name !== "" && name !== id && <code className={styles.id}>{id}</code>}
        {isSimulated({ properties }) && <Tag>simulated</Tag>}
        {isSolMate && <Tag>SolMate</Tag>}
        {isClockOff && (
          <Tag tone="warn" title="The device's clock is off; its times are corrected, or the time of receipt counts.">
            clock off
          </Tag>
        )}
      </span>
    </span>
  );
}

function OnlineWord({ online }: { readonly online: boolean }) {
  return (
    <span className={styles.online} data-online={online}>
      <Icon name={online ? "check" : "unlinked"} size={13} />
      {online ? "online" : "offline"}
    </span>
  );
}

function AgeWords({ freshness, age }: { readonly freshness: Freshness; readonly age: string | null }) {
  if (age === null) return <span className="muted">never heard</span>;
  if (freshness === "offline") {
    return (
      <>
        {age} <span className="muted">ago</span>
      </>
    );
  }
  return (
    <>
      {freshness === "stale" && <Tag tone="warn">stale</Tag>}
      {freshness === "idle" && (
        <span className="muted" title="It sends only what has changed: what it said last still holds.">
          idle
        </span>
      )}{" "}
      {age}
    </>
  );
}

function ChargeBar({ soc }: { readonly soc: number }) {
  return (
    <span className={styles.charge}>
      <span className={styles.bar} aria-hidden="true">
        <span data-low={soc < 15} style={{ transform: `scaleX(${Math.min(1, Math.max(0, soc / 100))})` }} />
      </span>
      <Quantity value={formatNumber(soc, 0)} unit="%" />
    </span>
  );
}
