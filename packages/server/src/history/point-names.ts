import { points as catalogue, isRefusal, pointSpec, type Refusal, refuse } from "@wattboard/protocol";
import type { PointInfo } from "../store/store.ts";

const pointsMax = 20;
/** Shown by themselves: where a question names none, it is about these of the catalogue. */
const usual = new Set(
  catalogue
    .filter(({ kind, unit }) => kind === "number" && (unit === "W" || unit === "%"))
    .map(({ name }) => name as string),
);

/** The number points that a question is about: those it names, with commas between them, or the powers and the state of charge. */
export function chooseNumberPoints(names: string | undefined, known: readonly PointInfo[]): string[] | Refusal {
  if (names === undefined) {
    const present = known.filter(({ name, kinds }) => kinds.includes("number") && usual.has(name));
    return present.map(({ name }) => name);
  }
  const chosen = choosePoints(names, known);
  if (isRefusal(chosen)) return chosen;
  for (const name of chosen) {
    const kinds = known.find((point) => point.name === name)?.kinds ?? [];
    const isNumber = kinds.length === 0 ? pointSpec(name)?.kind === "number" : kinds.includes("number");
    if (!isNumber) {
      return refuse("invalid_request", `${name} holds no numbers. The timeline shows when it had which value.`);
    }
  }
  return chosen;
}

/** The points that a question names, each of them one that the device has sent or that the catalogue knows. */
export function choosePoints(names: string, known: readonly PointInfo[]): string[] | Refusal {
  const chosen = [...new Set(names.split(",").map((name) => name.trim()))];
  if (chosen.length > pointsMax) {
    return refuse("range_too_large", `points may name ${pointsMax} points; it names ${chosen.length}.`);
  }
  for (const name of chosen) {
    if (pointSpec(name) !== undefined || known.some((point) => point.name === name)) continue;
    const near = nearest(name, known);
    const hint = near.length === 0 ? "" : ` Near to it: ${near.join(", ")}.`;
    return refuse(
      "unknown_point",
      `${JSON.stringify(name.slice(0, 130))} was asked for.${hint} All that it has: /api/v1/devices/{id}/points.`,
    );
  }
  return chosen;
}

/** The known names that share most pairs of letters with this one. */
function nearest(name: string, known: readonly PointInfo[]): string[] {
  const pairs = pairsOf(name);
  const all = new Set([...known.map((point) => point.name), ...catalogue.map((point) => point.name)]);
  return [...all]
    .map((other) => {
      const others = pairsOf(other);
      const shared = [...pairs].filter((pair) => others.has(pair)).length;
      return { other, likeness: (2 * shared) / Math.max(1, pairs.size + others.size) };
    })
    .filter(({ likeness }) => likeness > 0.4)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, 5)
    .map(({ other }) => other);
}

function pairsOf(text: string): Set<string> {
  const lower = text.slice(0, 130).toLowerCase();
  return new Set(Array.from({ length: Math.max(0, lower.length - 1) }, (_, at) => lower.slice(at, at + 2)));
}
