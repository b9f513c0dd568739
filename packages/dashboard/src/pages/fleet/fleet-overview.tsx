import type { FleetPoint } from "@wattboard/protocol";
import { formatNumber, scaleQuantity } from "../../ui/format-number.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { StackedBar } from "../../ui/stacked-bar.tsx";
import styles from "./fleet-overview.module.css";
import type { FleetTotals } from "./fleet-totals.ts";

interface FleetOverviewProps {
  readonly totals: FleetTotals;
  /** Whether the page has lost its connection, and all this is from before. */
  readonly isLost: boolean;
}

/** The fleet in one look: how many are here, and what their power does. */
export function FleetOverview({ totals, isLost }: FleetOverviewProps) {
  const { devices, counted } = totals;
  return (
    <section className={styles.overview} data-lost={isLost} aria-label="Totals">
      <Figures totals={totals} isLost={isLost} />
      <Balance totals={totals} />
      <p className={`fine ${styles.summed}`}>
        {counted === devices
          ? "Summed over all devices."
          : counted === 0
            ? "No device tells what it does just now."
            : `Summed over the ${formatNumber(counted, 0)} of ${formatNumber(devices, 0)} devices that tell what they do just now.`}
      </p>
    </section>
  );
}

function Figures({ totals, isLost }: FleetOverviewProps) {
  const { devices, online, counted, told, withError, solarW, loadW, socPercent } = totals;
  const { importingW, sellingW, chargingW, dischargingW } = totals;
  const countedOf = (point: FleetPoint) => (told.has(point) ? counted : 0);
  return (
    <div className={styles.figures}>
      <div className={styles.figure}>
        <span className={styles.name}>{isLost ? "Were online" : "Online"}</span>
        <span className={styles.value}>
          {formatNumber(online, 0)}
          <span className={styles.unit}> / {formatNumber(devices, 0)}</span>
        </span>
        <span className={styles.note}>
          {withError > 0 ? <b className="bad">{formatNumber(withError, 0)} with an error</b> : "no errors"}
        </span>
      </div>
      <Figure name="Solar" icon="sun" hue="solar" watts={solarW} counted={countedOf("solar.power")} note="producing" />
      <Figure name="Load" icon="house" hue="load" watts={loadW} counted={countedOf("load.power")} note="using" />
      <BothWays
        name="Battery"
        icon="battery"
        hue="battery"
        counted={countedOf("battery.power")}
        none="resting"
        plus={{ watts: chargingW, word: "charging" }}
        minus={{ watts: dischargingW, word: "discharging" }}
      />
      <div className={styles.figure} data-hue="battery">
        <span className={styles.name}>Charge</span>
        <span className={styles.value}>
          {socPercent === null ? <span className="muted">—</span> : formatNumber(socPercent, 0)}
          {socPercent !== null && <span className={styles.unit}> %</span>}
        </span>
        <span className={styles.note}>on average</span>
      </div>
      <BothWays
        name="Grid"
        icon="pylon"
        hue="grid"
        counted={countedOf("grid.power")}
        none="balanced"
        plus={{ watts: importingW, word: "importing" }}
        minus={{ watts: sellingW, word: "selling" }}
      />
    </div>
  );
}

/** Where the power comes from and where it goes, to one scale. */
function Balance({ totals }: Pick<FleetOverviewProps, "totals">) {
  const { solarW, loadW, importingW, sellingW, chargingW, dischargingW } = totals;
  const whole = Math.max(solarW + dischargingW + importingW, loadW + chargingW + sellingW);
  const segment = (label: string, size: number, hue: string) => ({
    label,
    size,
    hue,
    quantity: scaleQuantity(size, "W"),
  });
  return (
    <div className={styles.balance}>
      <StackedBar
        title="Comes from"
        empty="No device tells of a source just now."
        whole={whole}
        segments={[
          segment("Solar", solarW, "solar"),
          segment("Batteries", dischargingW, "battery"),
          segment("Grid", importingW, "grid"),
        ]}
      />
      <StackedBar
        title="Goes to"
        empty="No device tells of a use just now."
        whole={whole}
        segments={[
          segment("Load", loadW, "load"),
          segment("Batteries", chargingW, "battery"),
          segment("Grid", sellingW, "grid"),
        ]}
      />
    </div>
  );
}

interface FigureProps {
  readonly name: string;
  readonly icon: IconName;
  readonly hue: string;
  readonly watts: number;
  /** How many devices the figure is summed over; of none there is no sum, not even zero. */
  readonly counted: number;
  readonly note: string;
  readonly second?: string;
}

function Figure({ name, icon, hue, watts, counted, note, second }: FigureProps) {
  const { value, unit } = scaleQuantity(watts, "W");
  return (
    <div className={styles.figure} data-hue={hue}>
      <span className={styles.name}>
        <Icon name={icon} />
        {name}
      </span>
      <span className={styles.value}>
        {counted === 0 ? <span className="muted">—</span> : value}
        {counted > 0 && <span className={styles.unit}> {unit}</span>}
      </span>
      <span className={styles.note}>{counted === 0 ? "no live value" : note}</span>
      {second !== undefined && <span className={styles.note}>{second}</span>}
    </div>
  );
}

interface OneWay {
  readonly watts: number;
  readonly word: string;
}

/** A net sum, and below it both of its sides: some devices charge while others discharge. */
function BothWays(
  given: Omit<FigureProps, "watts" | "note" | "second"> & {
    readonly plus: OneWay;
    readonly minus: OneWay;
    /** The word for neither. */
    readonly none: string;
  },
) {
  const { plus, minus, none, ...figure } = given;
  const net = plus.watts - minus.watts;
  const [main, other] = net >= 0 ? [plus, minus] : [minus, plus];
  const { value, unit } = scaleQuantity(other.watts, "W");
  if (other.watts < 0.5) return <Figure {...figure} watts={Math.abs(net)} note={main.watts < 0.5 ? none : main.word} />;
  return (
    <Figure {...figure} watts={Math.abs(net)} note={`${main.word}, net`} second={`${value} ${unit} ${other.word}`} />
  );
}
