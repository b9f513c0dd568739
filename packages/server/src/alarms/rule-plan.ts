import type { PointTest, PreparedRule } from "./prepared-rule.ts";
import type { Said } from "./rule-state.ts";

interface FieldTests {
  readonly field: string;
  readonly tests: readonly PointTest[];
}

interface SectionTests {
  readonly section: string;
  readonly fields: readonly FieldTests[];
}

/**
 * The rules on samples that a device is in the scope of; shared by all devices with the same ones. Of most samples no rule has anything to say:
 * that is found by a look at each point that one asks for, once, however many ask for it.
 */
export class RulePlan {
  readonly rules: readonly PreparedRule[];
  /** The built-in rule on the device's clock, of which the messages say nothing themselves. */
  readonly clockOff: PreparedRule | null;
  readonly #sections: readonly SectionTests[];
  readonly #clockTests: readonly PointTest[];

  constructor(all: readonly PreparedRule[]) {
    const rules = all.filter(({ rule }) => rule.kind !== "clock_off");
    this.rules = rules;
    this.clockOff = all.find(({ rule }) => rule.kind === "clock_off") ?? null;
    // All of a rule's conditions have to be met, so that one of them tells whether there is anything to look at; it need not be in every message.
    const tests = rules.flatMap(({ when }) => when);
    this.#clockTests = tests.filter(({ section, field }) => field === "" && section === "clock");
    const inMessages = tests.filter((test) => !this.#clockTests.includes(test));
    this.#sections = [...Map.groupBy(inMessages, ({ section }) => section)].map(([section, ofSection]) => ({
      section,
      fields: [...Map.groupBy(ofSection, ({ field }) => field)].map(([field, ofField]) => ({ field, tests: ofField })),
    }));
  }

  /** Whether any condition of any rule is met; without that, and with nothing remembered, no rule changes. */
  concerns({ values, clock }: Said): boolean {
    for (const { section, fields } of this.#sections) {
      const body = values[section];
      if (body === undefined || body === null) continue;
      const isSection = typeof body === "object";
      for (const { field, tests } of fields) {
        const value = isSection ? (field === "" ? undefined : body[field]) : field === "" ? body : undefined;
        if (value === undefined || value === null) continue;
        for (const test of tests) if (test.meets(value)) return true;
      }
    }
    for (const test of this.#clockTests) if (test.meets(clock)) return true;
    return false;
  }
}
