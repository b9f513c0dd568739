import type { PointTest, PreparedRule } from "./prepared-rule.ts";
import type { Said } from "./rule-state.ts";

/** What is asked of one field. */
interface FieldTests {
  readonly section: string;
  /** Empty: the point stands outside any section. */
  readonly field: string;
  /** Numbers from the one to the other meet none of the tests that compare numbers. */
  readonly least: number;
  readonly greatest: number;
  /** Those that are asked of numbers within as well. */
  readonly others: readonly PointTest[];
  /** Those that are asked of what is no number. */
  readonly all: readonly PointTest[];
}

type Look = (values: Said["values"], asked: readonly FieldTests[], isMet: typeof anyMet) => boolean;

/**
 * The rules on samples that a device is in the scope of; shared by all devices with the same ones. Of most samples no rule has anything to say: that is
 * found by a look at each point that one asks for, once, however many ask for it, and with two comparisons of a number.
 */
export class RulePlan {
  readonly rules: readonly PreparedRule[];
  /** The built-in rule on the device's clock, of which the messages say nothing themselves. */
  readonly clockOff: PreparedRule | null;
  readonly #asked: readonly FieldTests[];
  readonly #clockTests: readonly PointTest[];
  readonly #look: Look;

  constructor(all: readonly PreparedRule[]) {
    this.rules = all.filter(({ rule }) => rule.kind !== "clock_off");
    this.clockOff = all.find(({ rule }) => rule.kind === "clock_off") ?? null;
    // Not every message holds all that a rule asks, so that each of its conditions tells whether there is anything to look at.
    const tests = this.rules.flatMap(({ when }) => when);
    const isOfClock = ({ section, field }: PointTest): boolean => field === "" && section === "clock";
    this.#clockTests = tests.filter(isOfClock);
    const byPoint = Map.groupBy(
      tests.filter((test) => !isOfClock(test)),
      ({ point }) => point,
    );
    this.#asked = [...byPoint.values()].map(fieldTests);
    this.#look = compileLook(this.#asked);
  }

  /** Whether any condition of any rule is met; without that, and with nothing remembered, no rule changes. Makes no object. */
  concerns(said: Said): boolean {
    if (this.#look(said.values, this.#asked, anyMet)) return true;
    return this.#clockTests.length > 0 && anyMet(this.#clockTests, said.clock);
  }
}

/**
 * Makes a function that reads the fields by their names. One that took the names from a list would read every number into an object of its own: V8 sees
 * the same place read now this field, now that (docs/performance.md). Names are written as JSON, and so are numbers, so that nothing else is run.
 */
function compileLook(asked: readonly FieldTests[]): Look {
  const lines = ["let body, value;"];
  const sections = Map.groupBy(
    asked.map((tests, at) => ({ tests, at })),
    ({ tests }) => tests.section,
  );
  for (const [section, fields] of sections) {
    lines.push(`body = values[${JSON.stringify(section)}];`);
    for (const { tests, at } of fields) {
      const isInSection = tests.field !== "";
      const name = isInSection ? `body[${JSON.stringify(tests.field)}]` : "body";
      lines.push(`if (${isInSection ? 'typeof body === "object"' : 'typeof body !== "object"'} && body !== null) {`);
      lines.push(`value = ${name};`, 'if (typeof value === "number") {');
      const outside = [
        ...(tests.least > Number.NEGATIVE_INFINITY ? [`value < ${tests.least}`] : []),
        ...(tests.greatest < Number.POSITIVE_INFINITY ? [`value > ${tests.greatest}`] : []),
        ...(tests.others.length > 0 ? [`isMet(asked[${at}].others, value)`] : []),
      ];
      if (outside.length > 0) lines.push(`if (${outside.join(" || ")}) return true;`);
      lines.push(
        `} else if (value !== undefined && value !== null && isMet(asked[${at}].all, value)) return true;`,
        "}",
      );
    }
  }
  lines.push("return false;");
  return new Function("values", "asked", "isMet", lines.join("\n")) as Look;
}

function anyMet(tests: readonly PointTest[], value: Parameters<PointTest["meets"]>[0]): boolean {
  for (let at = 0; at < tests.length; at++) if ((tests[at] as PointTest).meets(value)) return true;
  return false;
}

function fieldTests(all: readonly PointTest[]): FieldTests {
  const bands = all.flatMap(({ quiet }) => (quiet === null ? [] : [quiet]));
  return {
    section: all[0]?.section ?? "",
    field: all[0]?.field ?? "",
    least: Math.max(...bands.map(([least]) => least), Number.NEGATIVE_INFINITY),
    greatest: Math.min(...bands.map(([, greatest]) => greatest), Number.POSITIVE_INFINITY),
    others: all.filter(({ quiet }) => quiet === null),
    all,
  };
}
