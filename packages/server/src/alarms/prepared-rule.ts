import {
  asNumber,
  type Condition,
  conditionTest,
  type FieldValue,
  type FleetRow,
  fleetTest,
  isRefusal,
  parseConditions,
  type Refusal,
  refuse,
} from "@wattboard/protocol/constants";
import { pointValue, type Sample } from "../devices/sample.ts";
import type { AlarmRule, Evidence } from "./alarm-record.ts";

/** Fields by which a scope chooses devices: what is known of a device whatever it sends. */
const scopeFieldPattern = /^(?:id|name|properties\..+)$/;
/** Fields that no sample says: whether one comes is what `no_data` is for. */
const silenceFields: ReadonlySet<string> = new Set(["online", "age"]);
const shortNames: Readonly<Record<string, string>> = {
  state: "system_status.state",
  mode: "system_status.mode",
  error_flags: "system_status.error_flags",
};

/** One condition of a rule on what a sample says. */
export interface PointTest {
  /** The point by its full name, or `clock`. */
  readonly point: string;
  readonly section: string;
  /** Empty: the point stands outside any section. */
  readonly field: string;
  meets(value: FieldValue): boolean;
  /** Numbers from the first to the second do not meet it; null: that is not known. */
  readonly quiet: readonly [number, number] | null;
}

/** A rule on samples, ready to be asked of each. */
export interface PreparedRule {
  readonly rule: AlarmRule;
  /** What rings: all of them. */
  readonly when: readonly PointTest[];
  /** What clears it again, all of them; null: as soon as `when` fails. */
  readonly clearWhen: readonly PointTest[] | null;
}

/** Prepares the conditions of a rule on samples, or says what is wrong with them. */
export function prepareRule(rule: AlarmRule): PreparedRule | Refusal {
  if (rule.kind === "error_flag") return { rule, when: [anyErrorFlag], clearWhen: null };
  if (rule.kind === "clock_off") return { rule, when: [clockIsOff], clearWhen: null };
  const when = prepareTests(rule.when, "when");
  if (isRefusal(when)) return when;
  const clearWhen = rule.clearWhen === null ? null : prepareTests(rule.clearWhen, "clear_when");
  if (clearWhen !== null && isRefusal(clearWhen)) return clearWhen;
  return { rule, when, clearWhen };
}

/** Prepares a scope, or says what is wrong with it. */
export function prepareScope(where: readonly string[]): ((row: ScopeRow) => boolean) | Refusal {
  const conditions = parseConditions(where);
  if (isRefusal(conditions)) return conditions;
  const odd = conditions.find(({ field }) => !scopeFieldPattern.test(field));
  if (odd !== undefined) {
    return refuse(
      "invalid_request",
      `where says which devices a rule is about, by id, name or properties.NAME; ${odd.field} is what they send, and belongs into when.`,
    );
  }
  const test = fleetTest(conditions);
  // Of the row only what the fields above say is read.
  return (row) => test(row as FleetRow, 0) === "meets";
}

/** What a scope is judged by. */
export type ScopeRow = Pick<FleetRow, "id" | "name" | "properties">;

function prepareTests(texts: readonly string[], where: string): PointTest[] | Refusal {
  const conditions = parseConditions(texts);
  if (isRefusal(conditions)) return conditions;
  for (const { field } of conditions) {
    if (silenceFields.has(field)) {
      return refuse(
        "invalid_request",
        `${where} is about what a sample says, and none says ${field}: the rule no_data rings where none comes.`,
      );
    }
    if (scopeFieldPattern.test(field)) {
      return refuse("invalid_request", `${field} says which devices a rule is about, and belongs into where.`);
    }
  }
  return conditions.map(prepareTest);
}

/** The point of a field that may have a short name. */
export function fullPointName(field: string): string {
  return shortNames[field] ?? field;
}

function prepareTest(condition: Condition): PointTest {
  const point = fullPointName(condition.field);
  const dot = point.indexOf(".");
  return {
    point,
    section: dot === -1 ? point : point.slice(0, dot),
    field: dot === -1 ? "" : point.slice(dot + 1),
    meets: remembering(conditionTest(condition)),
    quiet: quietBand(condition),
  };
}

/** Texts that are judged without being compared anew: a device says one of few. */
const rememberedMax = 32;

function remembering(test: ReturnType<typeof conditionTest>): PointTest["meets"] {
  const verdicts = new Map<string, boolean>();
  return (value) => {
    if (typeof value !== "string") return test(value) === "meets";
    let verdict = verdicts.get(value);
    if (verdict !== undefined) return verdict;
    verdict = test(value) === "meets";
    if (verdicts.size >= rememberedMax) verdicts.clear();
    verdicts.set(value, verdict);
    return verdict;
  };
}

/** The numbers for which a condition is surely not met; null where that is no band. */
function quietBand({ operator, value }: Condition): PointTest["quiet"] {
  const limit = asNumber(value);
  if (limit === null) return null;
  const [least, greatest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  switch (operator) {
    case "<":
      return [limit, greatest];
    case ">":
      return [least, limit];
    case "<=":
      return [limit + closeTo(limit), greatest];
    case ">=":
      return [least, limit - closeTo(limit)];
    default:
      return null;
  }
}

/** Some of the smallest steps there. */
function closeTo(number: number): number {
  return Math.max(Number.MIN_VALUE, Math.abs(number) * 4 * Number.EPSILON);
}

const anyErrorFlag: PointTest = {
  point: "system_status.error_flags",
  section: "system_status",
  field: "error_flags",
  meets: (value) => Array.isArray(value) && value.length > 0,
  quiet: null,
};

const clockIsOff: PointTest = {
  point: "clock",
  section: "clock",
  field: "",
  meets: (value) => value === "server",
  quiet: null,
};

/** What the sample says of the point; undefined: nothing. */
export function saidValue({ values, clock }: Pick<Sample, "values" | "clock">, test: PointTest): FieldValue {
  if (test.field !== "") return pointValue(values, test.section, test.field);
  if (test.section === "clock") return clock;
  const value = values[test.section];
  return typeof value === "object" ? undefined : value;
}

/** The values that a rule is about, for whoever reads the alarm. */
export function ringingEvidence(sample: Pick<Sample, "values" | "clock">, { when }: PreparedRule): Evidence {
  const found: [string, Evidence[string]][] = [];
  for (const test of when) {
    const value = saidValue(sample, test);
    if (value !== undefined && value !== null) found.push([test.point, value as Evidence[string]]);
  }
  return Object.fromEntries(found);
}
