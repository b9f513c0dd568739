import type { Freshness } from "@wattboard/protocol";
import type { CSSProperties } from "react";
import { describePower, type PowerPoint } from "../../domain/power.ts";
import { scaleQuantity } from "../../ui/format-number.ts";
import type { IconName } from "../../ui/icon.tsx";
import { Icon } from "../../ui/icon.tsx";
import styles from "./energy-flow.module.css";

export interface FlowPower {
  readonly signedW: number | null;
  readonly freshness: Freshness;
}

interface EnergyFlowProps {
  readonly powers: Readonly<Record<PowerPoint, FlowPower>>;
  readonly soc: number | null;
  /** False draws the picture as what it is: the last one that was seen. */
  readonly present: boolean;
}

interface Corner {
  readonly point: PowerPoint;
  readonly name: string;
  readonly icon: IconName;
  readonly hue: string;
  readonly x: number;
  readonly y: number;
}

const hub = { x: 250, y: 186 };
const radius = 46;
const corners: readonly Corner[] = [
  { point: "solar.power", name: "Solar", icon: "sun", hue: "solar", x: 250, y: 56 },
  { point: "grid.power", name: "Grid", icon: "pylon", hue: "grid", x: 70, y: 186 },
  { point: "load.power", name: "Load", icon: "house", hue: "load", x: 430, y: 186 },
  { point: "battery.power", name: "Battery", icon: "battery", hue: "battery", x: 250, y: 316 },
];

/** The power that gives the thickest line and the quickest dots; a household's whole connection. */
const fullScaleW = 8_000;
/** How long a dot takes to where the next one was, from the smallest power to the greatest. */
const secondsOf = [2.4, 1.5, 1, 0.7, 0.5];

/** Where the energy goes just now: four corners around the house's bus bar, dots running the way the power flows. */
export function EnergyFlow({ powers, soc, present }: EnergyFlowProps) {
  const told = corners
    .map(({ point, name }) => {
      const { signedW } = powers[point];
      if (signedW === null) return `${name} unknown`;
      const { watts, word } = describePower(point, signedW);
      const { value, unit } = scaleQuantity(watts, "W");
      return `${name} ${word} ${value} ${unit}`;
    })
    .join(", ");
  return (
    <svg
      className={styles.flow}
      viewBox="0 0 500 384"
      role="img"
      aria-label={`${present ? "Now" : "When last heard"}: ${told}`}
    >
      {corners.map((corner) => (
        <FlowLine key={corner.point} corner={corner} power={powers[corner.point]} present={present} />
      ))}
      <circle className={styles.hub} cx={hub.x} cy={hub.y} r="9" />
      {corners.map((corner) => (
        <FlowCorner
          key={corner.point}
          corner={corner}
          power={powers[corner.point]}
          present={present}
          soc={corner.point === "battery.power" ? soc : null}
        />
      ))}
    </svg>
  );
}

interface PartProps {
  readonly corner: Corner;
  readonly power: FlowPower;
  readonly present: boolean;
}

function FlowLine({ corner, power, present }: PartProps) {
  const dx = Math.sign(hub.x - corner.x);
  const dy = Math.sign(hub.y - corner.y);
  const start = { x: corner.x + dx * (radius + 8), y: corner.y + dy * (radius + 8) };
  const end = { x: hub.x - dx * 15, y: hub.y - dy * 15 };
  const words = power.signedW === null ? null : describePower(corner.point, power.signedW);
  const flow = words?.flow ?? "none";
  const moves = present && power.freshness !== "stale" && flow !== "none";
  const share = Math.min(1, Math.sqrt((words?.watts ?? 0) / fullScaleW));
  // Steps and not a continuum: each change of a duration makes the dots jump.
  const pace = { "--pace": `${secondsOf[Math.max(0, Math.ceil(share * 5) - 1)]}s` };
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const degrees = (Math.atan2(dy, dx) * 180) / Math.PI + (flow === "out" ? 180 : 0);
  return (
    <g className={styles.line} data-hue={corner.hue} data-flow={moves ? flow : undefined} style={pace as CSSProperties}>
      <line className={styles.track} x1={start.x} y1={start.y} x2={end.x} y2={end.y} strokeWidth={3 + 9 * share} />
      {moves && (
        <>
          <line className={styles.dots} x1={start.x} y1={start.y} x2={end.x} y2={end.y} strokeWidth={2.5 + 4 * share} />
          <g transform={`translate(${middle.x} ${middle.y}) rotate(${degrees}) scale(${1 + 0.5 * share})`}>
            <circle className={styles.plate} r="10" />
            <path className={styles.arrow} d="M-2.5-5 3 0l-5.5 5" />
          </g>
        </>
      )}
    </g>
  );
}

function FlowCorner({ corner, power, present, soc }: PartProps & { readonly soc: number | null }) {
  const { point, name, icon, hue, x, y } = corner;
  const words = power.signedW === null ? null : describePower(point, power.signedW);
  const quantity = words === null ? null : scaleQuantity(words.watts, "W");
  const isFaint = !present || power.freshness === "stale" || words === null || words.flow === "none";
  const ringLength = 2 * Math.PI * radius;
  const labelY = { name: y + radius + 20, word: y + radius + 39 };
  const beside = x === hub.x;
  return (
    <g className={styles.corner} data-hue={hue} data-faint={isFaint || power.freshness === "late"}>
      <circle className={styles.disc} cx={x} cy={y} r={radius} />
      {soc !== null && (
        <circle
          className={styles.soc}
          cx={x}
          cy={y}
          r={radius}
          transform={`rotate(-90 ${x} ${y})`}
          strokeDasharray={`${(ringLength * soc) / 100} ${ringLength}`}
        />
      )}
      <g transform={`translate(${x - 10} ${y - 30})`}>
        <Icon name={icon} size={20} />
      </g>
      <text className={styles.value} x={x} y={y + 10}>
        {quantity?.value ?? "—"}
      </text>
      <text className={styles.unit} x={x} y={y + 26}>
        {quantity?.unit ?? ""}
      </text>
      <text
        className={`${styles.name} ${beside ? styles.beside : ""}`}
        x={beside ? x + radius + 14 : x}
        y={beside ? y - 6 : labelY.name}
      >
        {name}
        {soc !== null && ` ${Math.round(soc)} %`}
      </text>
      <text
        className={`${styles.word} ${beside ? styles.beside : ""}`}
        x={beside ? x + radius + 14 : x}
        y={beside ? y + 14 : labelY.word}
      >
        {words?.word ?? "no value"}
      </text>
    </g>
  );
}
