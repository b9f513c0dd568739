import type { Cause } from "./alarm-record.ts";

type Properties = Readonly<Record<string, string>>;

/** In the order in which they are preferred where they tell equally well. */
const sharedProperties: readonly (readonly [Cause["what"], readonly string[]])[] = [
  ["site", ["site"]],
  ["postcode", ["postcode"]],
  ["place", ["place", "city"]],
  ["tag", ["tags", "tag"]],
  ["version", ["software_version"]],
  ["country", ["country"]],
];
/** A cause is believed where at least so many of those that share it ring. */
const shareMin = 0.5;
const tagsMax = 32;

/** A thing that devices may share, as one text: `place Uppsala`. */
export type Trait = string;

/** Everything that the device with these properties shares with others; the server last. */
export function traitsOf(properties: Properties): Trait[] {
  const traits: Trait[] = [];
  for (const [what, names] of sharedProperties) {
    const value = names.map((name) => properties[name]).find((each) => each !== undefined && each !== "");
    if (value === undefined) continue;
    const values = what === "tag" ? value.split(/[,\s]+/, tagsMax).filter((tag) => tag !== "") : [value];
    for (const each of values) traits.push(`${what} ${each}`);
  }
  traits.push("server ");
  return traits;
}

/** How many devices there are with each trait: counted as they come, change and go. */
export class FleetTraits {
  readonly #counts = new Map<Trait, number>();

  count(trait: Trait): number {
    return this.#counts.get(trait) ?? 0;
  }

  add(properties: Properties): void {
    for (const trait of traitsOf(properties)) this.#counts.set(trait, this.count(trait) + 1);
  }

  remove(properties: Properties): void {
    for (const trait of traitsOf(properties)) {
      const left = this.count(trait) - 1;
      if (left > 0) this.#counts.set(trait, left);
      else this.#counts.delete(trait);
    }
  }
}

function causeFrom(trait: Trait, ringing: number, of: number): Cause {
  const space = trait.indexOf(" ");
  return { what: trait.slice(0, space) as Cause["what"], value: trait.slice(space + 1), ringing, of };
}

/**
 * What tells best those that ring from those that do not: of all that at least two of them share, what has the highest Sørensen–Dice coefficient,
 * where at least half of those that share it ring. Null where nothing does. `all`: only what every one of them shares.
 */
export function findCause(
  ringing: readonly { readonly traits: readonly Trait[] }[],
  fleet: FleetTraits,
  all = false,
): Cause | null {
  const counts = new Map<Trait, number>();
  for (const { traits } of ringing) for (const trait of traits) counts.set(trait, (counts.get(trait) ?? 0) + 1);
  let best: Cause | null = null;
  let bestScore = 0;
  for (const [trait, count] of [...counts].sort(([one], [other]) => traitRank(one) - traitRank(other))) {
    // A device may have left the fleet since.
    const of = Math.max(count, fleet.count(trait));
    if (count < (all ? ringing.length : 2) || count / of < shareMin) continue;
    const score = (2 * count) / (of + ringing.length);
    if (score <= bestScore) continue;
    bestScore = score;
    best = causeFrom(trait, count, of);
  }
  return best;
}

function traitRank(trait: Trait): number {
  const what = trait.slice(0, trait.indexOf(" "));
  const rank = sharedProperties.findIndex(([each]) => each === what);
  return rank === -1 ? sharedProperties.length : rank;
}

/** The trait that the cause is. */
export function traitOf({ what, value }: Cause): Trait {
  return `${what} ${value}`;
}

const causeWords: Readonly<Record<Cause["what"], (value: string) => string>> = {
  site: (value) => `at site ${value}`,
  postcode: (value) => `in ${value}`,
  place: (value) => `in ${value}`,
  tag: (value) => `tagged ${value}`,
  version: (value) => `with ${value}`,
  country: (value) => `in ${value}`,
  server: () => "on this server",
};

/** `41 of 41 in Uppsala`, `all with 2.1.0`. */
export function describeCause({ what, value, ringing, of }: Cause): string {
  const words = causeWords[what](value);
  return what === "version" && ringing === of ? `all ${words}` : `${ringing} of ${of} ${words}`;
}

/** `, all in Uppsala`, behind a title. */
export function describeShared({ what, value }: Cause): string {
  return what === "server" ? "" : `, all ${causeWords[what](value)}`;
}
