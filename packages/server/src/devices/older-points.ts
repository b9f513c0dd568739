import { limits, type PointValue, points } from "@wattboard/protocol";
import { type PointTime, pointsIn, type Values } from "./sample.ts";

/** What a device said last of a point, in a message that is not its newest one. */
export interface OlderPoint {
  value: PointValue;
  observedAtMs: number;
  receivedAtMs: number;
}

/** As many points as a device may have; the one that was received longest ago makes room. */
const countMax = points.length + 2 * limits.extraPointsMax;

/**
 * The newest values of the points that a device's newest message does not hold: devices send their sections in messages of their own, or only what
 * has changed. Empty for a device whose messages all hold the same points.
 */
export class OlderPoints {
  readonly #points = new Map<string, OlderPoint>();

  get size(): number {
    return this.#points.size;
  }

  clear(): void {
    this.#points.clear();
  }

  /** Takes in the values that are newer than what is known. False where none is. */
  add(values: Values, { observedAtMs, receivedAtMs }: PointTime): boolean {
    let isTaken = false;
    for (const [name, value] of pointsIn(values)) {
      const known = this.#points.get(name);
      if (known !== undefined && known.observedAtMs > observedAtMs) continue;
      isTaken = true;
      if (known === undefined) {
        if (this.#points.size >= countMax) this.#dropOldest();
        this.#points.set(name, { value, observedAtMs, receivedAtMs });
      } else {
        known.value = value;
        known.observedAtMs = observedAtMs;
        known.receivedAtMs = receivedAtMs;
      }
    }
    return isTaken;
  }

  /** Those that the values do not hold, by name. */
  *beside(values: Values): Generator<[name: string, OlderPoint]> {
    for (const each of this.#points) {
      const [section = "", field = ""] = each[0].split(".");
      const body = Object.hasOwn(values, section) ? values[section] : undefined;
      const isObject = typeof body === "object" && body !== null;
      if (body === undefined || (field !== "" && isObject && !Object.hasOwn(body, field))) yield each;
    }
  }

  /** Of each section that the values do not hold, the points that its newest message held. */
  newestSections(values: Values): [name: string, OlderPoint][] {
    const newestMs = new Map<string, number>();
    const others = [...this.#points].filter(([name]) => !Object.hasOwn(values, sectionNameOf(name)));
    for (const [name, { observedAtMs }] of others) {
      const section = sectionNameOf(name);
      newestMs.set(section, Math.max(observedAtMs, newestMs.get(section) ?? observedAtMs));
    }
    return others.filter(([name, { observedAtMs }]) => newestMs.get(sectionNameOf(name)) === observedAtMs);
  }

  #dropOldest(): void {
    let oldest: string | null = null;
    let atMs = Number.POSITIVE_INFINITY;
    for (const [name, { receivedAtMs }] of this.#points) {
      if (receivedAtMs >= atMs) continue;
      oldest = name;
      atMs = receivedAtMs;
    }
    if (oldest !== null) this.#points.delete(oldest);
  }
}

function sectionNameOf(name: string): string {
  return name.split(".", 1)[0] ?? name;
}

/** The values with these over them; what they share with the old ones stays untouched. */
export function withPoints(values: Values, added: Iterable<readonly [name: string, point: OlderPoint]>): Values {
  const made: Values = { ...values };
  const copied = new Set<string>();
  for (const [name, { value }] of added) {
    const [section = "", field] = name.split(".");
    if (field === undefined) {
      made[section] = value as Values[string];
      continue;
    }
    if (!copied.has(section)) made[section] = { ...(values[section] as object | undefined) };
    copied.add(section);
    (made[section] as Record<string, PointValue>)[field] = value;
  }
  return made;
}
