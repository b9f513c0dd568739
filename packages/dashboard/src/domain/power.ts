/** The four powers whose sign has a word on this page. */
export type PowerPointName = "solar.power" | "load.power" | "battery.power" | "grid.power";

/** A power as a person says it: how much, which way, and the word for that way. */
export interface PowerWords {
  /** Always ≥ 0; the direction is in `flow` and `word`. */
  readonly watts: number;
  /** Seen from the house: `in` comes to it, `out` leaves it, `none` is below a watt. */
  readonly flow: "in" | "out" | "none";
  readonly word: string;
}

const words: Record<PowerPointName, { positive: string; negative: string; none: string; positiveFlow: "in" | "out" }> =
  {
    "solar.power": { positive: "producing", negative: "drawing", none: "no sun", positiveFlow: "in" },
    "load.power": { positive: "using", negative: "feeding back", none: "no load", positiveFlow: "out" },
    "battery.power": { positive: "charging", negative: "discharging", none: "resting", positiveFlow: "out" },
    "grid.power": { positive: "importing", negative: "selling", none: "balanced", positiveFlow: "in" },
  };

/** Signs as in the point catalogue: battery + charges, grid + imports. */
export function describePower(point: PowerPointName, signedW: number): PowerWords {
  const { positive, negative, none, positiveFlow } = words[point];
  const watts = Math.abs(signedW);
  if (watts < 0.5) return { watts: 0, flow: "none", word: none };
  if (signedW > 0) return { watts, flow: positiveFlow, word: positive };
  return { watts, flow: positiveFlow === "in" ? "out" : "in", word: negative };
}

/** The word for the sign of any other point whose catalogue entry explains one; undefined where there is nothing to say. */
export function signWord(point: string, value: number): string | undefined {
  if (Object.hasOwn(words, point)) return describePower(point as PowerPointName, value).word;
  if (value === 0) return undefined;
  if (point === "battery.current") return value > 0 ? "charging" : "discharging";
  if (point === "inverter.power") return value > 0 ? "feeding the house" : "drawing";
  return undefined;
}
