import { type Refusal, refuse } from "@wattboard/protocol";
import type { Sample } from "./dispatcher.ts";
import { pointOf } from "./evidence.ts";

/** A registered device, as conditions see it. */
export interface FleetMember {
  readonly deviceId: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly isOnline: boolean;
  /** Its newest sample; null before the first. */
  readonly latest: Sample | null;
}

/** Where the fleet is found. */
export interface FleetView {
  members(): Iterable<FleetMember>;
  find(deviceId: string): FleetMember | undefined;
}

type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=";

interface Condition {
  readonly name: string;
  readonly operator: Operator;
  readonly value: string;
  /** The value, where it is a number: read once, and not for each device. */
  readonly number: number | null;
}

/** What a device is to all conditions together. `unknown`: it meets the others, but a point is not known as of now. */
export type Verdict = "meets" | "fails" | "unknown";

/** What was measured longer ago says nothing of now. */
const freshMsMax = 60_000;
const propertyPrefix = "properties.";
const shorthands: Readonly<Record<string, string>> = { state: "system_status.state", mode: "system_status.mode" };
const form = /^([A-Za-z_][A-Za-z0-9_.]*)\s*(!=|<=|>=|==?|<|>)(.*)$/s;

/** Conditions on devices, all of which must be met: `properties.region = SE`, `battery.soc > 80`, `state != ERROR`, `online = true`. */
export class FleetFilter {
  readonly #conditions: readonly Condition[];

  private constructor(conditions: readonly Condition[]) {
    this.#conditions = conditions;
  }

  /** Reads the conditions; a refusal says which one cannot be read, and how it should look. */
  static parse(texts: readonly string[]): FleetFilter | Refusal {
    const conditions: Condition[] = [];
    for (const text of texts) {
      const condition = parseCondition(text);
      if (typeof condition === "string") return refuse("invalid_request", condition);
      conditions.push(condition);
    }
    return new FleetFilter(conditions);
  }

  judge(member: FleetMember, nowMs: number): Verdict {
    let verdict: Verdict = "meets";
    for (const condition of this.#conditions) {
      const each = judgeCondition(condition, member, nowMs);
      if (each === "fails") return each;
      if (each === "unknown") verdict = each;
    }
    return verdict;
  }
}

function parseCondition(text: string): Condition | string {
  const [, written = "", operator = "", rest = ""] = form.exec(text.trim()) ?? [];
  const bare = rest.trim();
  const isQuoted = bare.length > 1 && /^["']/.test(bare) && bare[0] === bare.at(-1);
  const value = isQuoted ? bare.slice(1, -1) : bare;
  const number = parseNumber(value);
  const name = Object.hasOwn(shorthands, written) ? (shorthands[written] ?? written) : written;
  if (operator === "" || (value === "" && !isQuoted)) {
    return `${JSON.stringify(text)} is no condition: it must look like properties.region = SE or battery.soc > 80.`;
  }
  if (!/^(id|name|online)$|\./.test(name)) {
    return `${JSON.stringify(text)}: ${written} is not known; it may be id, name, online, state, mode, properties.NAME, or a point such as battery.soc.`;
  }
  if (/[<>]/.test(operator) && number === null) return `${JSON.stringify(text)}: ${operator} needs a number.`;
  if (name === "online" && !/^(true|false)$/.test(value)) return `${JSON.stringify(text)}: online is true or false.`;
  return { name, operator: (operator === "==" ? "=" : operator) as Operator, value, number };
}

function judgeCondition(condition: Condition, member: FleetMember, nowMs: number): Verdict {
  const { name } = condition;
  const property = name.startsWith(propertyPrefix) ? name.slice(propertyPrefix.length) : undefined;
  if (name === "id") return compare(member.deviceId, condition);
  if (name === "name") return compare(member.name, condition);
  if (name === "online") return compare(member.isOnline, condition);
  if (property !== undefined)
    return compare(Object.hasOwn(member.properties, property) ? member.properties[property] : "", condition);
  const { latest, isOnline } = member;
  if (!isOnline || latest === null || Math.abs(nowMs - latest.receivedAtMs) > freshMsMax) return "unknown";
  const value = pointOf(latest.values, name);
  if (value === undefined || value === null) return "unknown";
  if (Array.isArray(value)) return compareList(value, condition);
  return compare(value as string | number | boolean, condition);
}

function compareList(values: readonly string[], { operator, value }: Condition): Verdict {
  if (operator !== "=" && operator !== "!=") return "fails";
  return values.includes(value) === (operator === "=") ? "meets" : "fails";
}

function compare(actual: string | number | boolean | undefined, { operator, value, number }: Condition): Verdict {
  const actualNumber = number === null ? null : parseNumber(String(actual));
  if (operator === "=" || operator === "!=") {
    const isEqual = actualNumber === null ? String(actual) === value : actualNumber === number;
    return isEqual === (operator === "=") ? "meets" : "fails";
  }
  if (actualNumber === null || number === null) return "fails";
  const difference = actualNumber - number;
  const isMet = { "<": difference < 0, "<=": difference <= 0, ">": difference > 0, ">=": difference >= 0 }[operator];
  return isMet ? "meets" : "fails";
}

function parseNumber(text: string): number | null {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : null;
}
