import { formatNumber, scaleQuantity } from "../../ui/format-number.ts";
import { Quantity } from "../../ui/quantity.tsx";
import { fleetField } from "./fleet-field.ts";
import styles from "./fleet-table.module.css";
import type { GroupHeading } from "./group-fleet.ts";
import { groupWord } from "./group-word.ts";

interface GroupRowProps {
  readonly heading: GroupHeading;
  readonly columns: number;
  /** Called to see these devices alone; absent where they have nothing in common. */
  readonly onOnly: (() => void) | null;
}

/** Above the devices of a group: what they share, how many they are, and what they do together. */
export function GroupRow({ heading: { field, value, totals, isContinued }, columns, onOnly }: GroupRowProps) {
  const { devices, online, withError, told, solarW, loadW, importingW, sellingW, chargingW, dischargingW, socPercent } =
    totals;
  const powers = [
    ["solar.power", "solar", solarW],
    ["load.power", "load", loadW],
    ["battery.power", "charging", chargingW],
    ["battery.power", "discharging", dischargingW],
    ["grid.power", "importing", importingW],
    ["grid.power", "selling", sellingW],
  ] as const;
  const words = groupWord(field, value);
  return (
    <tr>
      <th scope="rowgroup" className={styles.group} colSpan={columns}>
        <span className={styles.groupLine}>
          <b className={styles.shared}>{value === null ? `no ${fleetField(field).label.toLowerCase()}` : words}</b>
          {isContinued && <span className="muted">continued</span>}
          <span>
            {formatNumber(devices, 0)} {devices === 1 ? "device" : "devices"}, {formatNumber(online, 0)} online
          </span>
          {withError > 0 && <span className="bad">{formatNumber(withError, 0)} with an error</span>}
          {socPercent !== null && (
            <span>
              <span className="muted">charge</span> <Quantity value={formatNumber(socPercent, 0)} unit="%" />
            </span>
          )}
          {powers.map(
            ([point, word, watts]) =>
              told.has(point) &&
              watts >= 0.5 && (
                <span key={word}>
                  <span className="muted">{word}</span> <Quantity {...scaleQuantity(watts, "W")} />
                </span>
              ),
          )}
          {onOnly !== null && (
            <button type="button" className={styles.only} onClick={onOnly}>
              only these<span className="sr-only">: {words}</span>
            </button>
          )}
        </span>
      </th>
    </tr>
  );
}
