import {
  type AlarmRuleChangeBody,
  isRefusal,
  limits,
  type NewAlarmRuleBody,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { NewId } from "../base/random-id.ts";
import type { AlarmRule } from "./alarm-record.ts";
import { builtInRules, deviceKinds } from "./built-in-rules.ts";
import { type PreparedRule, prepareRule, prepareScope, type ScopeRow } from "./prepared-rule.ts";
import { RulePlan } from "./rule-plan.ts";

interface RuleEntry {
  readonly prepared: PreparedRule;
  readonly isInScope: (row: ScopeRow) => boolean;
}

/** Rules on samples are asked of each sample; what the others ask is told. */
const onSamples = ({ kind }: AlarmRule): boolean =>
  kind === "condition" || kind === "error_flag" || kind === "clock_off";

const clearForMsDefault = 60_000;

/** When alarms ring: the rules that are built in, and one's own; ready to be asked. */
export class AlarmRules {
  readonly #newId: NewId;
  readonly #entries = new Map<string, RuleEntry>();
  /** Devices with the same rules share a plan. */
  #plans = new Map<string, RulePlan>();

  /** `stored`: one's own, and those built in that were changed. */
  constructor(newId: NewId, stored: readonly AlarmRule[]) {
    this.#newId = newId;
    for (const rule of builtInRules) this.#put(rule);
    for (const rule of stored) this.#put(rule);
  }

  /** Those that are built in first. */
  list(): AlarmRule[] {
    return [...this.#entries.values()].map(({ prepared }) => prepared.rule);
  }

  find(ruleId: string): AlarmRule | undefined {
    return this.#entries.get(ruleId)?.prepared.rule;
  }

  /** The rule, where it is on. */
  active(ruleId: string): AlarmRule | undefined {
    const rule = this.find(ruleId);
    return rule?.isOn === true ? rule : undefined;
  }

  /** Whether the rule, on and about devices, is about this one. */
  isAbout(ruleId: string, row: ScopeRow): boolean {
    const entry = this.#entries.get(ruleId);
    return entry?.prepared.rule.isOn === true && entry.isInScope(row);
  }

  /** The rules on samples that are about this device. */
  planFor(row: ScopeRow): RulePlan {
    const mine: PreparedRule[] = [];
    for (const { prepared, isInScope } of this.#entries.values()) {
      const { rule } = prepared;
      if (rule.isOn && onSamples(rule) && isInScope(row)) mine.push(prepared);
    }
    const key = mine.map(({ rule }) => rule.ruleId).join(" ");
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      plan = new RulePlan(mine);
      this.#plans.set(key, plan);
    }
    return plan;
  }

  prepared(ruleId: string): PreparedRule | undefined {
    return this.#entries.get(ruleId)?.prepared;
  }

  /** Makes a rule of one's own. */
  add(body: NewAlarmRuleBody): AlarmRule | Refusal {
    if (this.#entries.size - builtInRules.length >= limits.alarmRulesMax) return refuse("too_many_rules");
    const rule = newRule(`rul_${this.#newId(4)}`, body);
    const refusal = this.#put(rule);
    return refusal ?? rule;
  }

  /** Changes a rule; of one that is built in neither what rings nor what it is called. */
  change(ruleId: string, change: AlarmRuleChangeBody): AlarmRule | Refusal {
    const rule = this.find(ruleId);
    if (rule === undefined) return refuse("not_found", "There is no such rule.");
    const isBuiltIn = rule.kind !== "condition";
    if (isBuiltIn && (change.when ?? change.clear_when ?? change.name) !== undefined) {
      return refuse("invalid_request", "The rule is built in: its name, when and clear_when cannot be changed.");
    }
    if (!deviceKinds.has(rule.kind) && (change.where?.length ?? 0) > 0) {
      return refuse("invalid_request", "The rule is about the server, so it has no where.");
    }
    const changed: AlarmRule = {
      ...rule,
      name: change.name ?? rule.name,
      isOn: change.is_on ?? rule.isOn,
      severity: change.severity ?? rule.severity,
      where: change.where ?? rule.where,
      when: change.when ?? rule.when,
      clearWhen: change.clear_when === undefined ? rule.clearWhen : change.clear_when,
      forMs: change.for_s === undefined ? rule.forMs : change.for_s * 1_000,
      clearForMs: change.clear_for_s === undefined ? rule.clearForMs : change.clear_for_s * 1_000,
      text: change.text ?? rule.text,
    };
    return this.#put(changed) ?? changed;
  }

  /** Puts a rule back as it was. */
  restore(rule: AlarmRule): void {
    this.#put(rule);
  }

  remove(ruleId: string): AlarmRule | Refusal {
    const rule = this.find(ruleId);
    if (rule === undefined) return refuse("not_found", "There is no such rule.");
    if (rule.kind !== "condition") return refuse("rule_built_in");
    this.#entries.delete(ruleId);
    this.#plans = new Map();
    return rule;
  }

  #put(rule: AlarmRule): Refusal | null {
    const entry = prepareEntry(rule);
    if (isRefusal(entry)) return entry;
    this.#entries.set(rule.ruleId, entry);
    this.#plans = new Map();
    return null;
  }
}

/** The rule that the body asks for, with what it leaves out. */
export function newRule(ruleId: string, body: NewAlarmRuleBody): AlarmRule {
  return {
    ruleId,
    kind: "condition",
    name: body.name,
    isOn: body.is_on ?? true,
    severity: body.severity ?? "warning",
    where: body.where ?? [],
    when: body.when,
    clearWhen: body.clear_when ?? null,
    forMs: (body.for_s ?? 0) * 1_000,
    clearForMs: body.clear_for_s === undefined ? clearForMsDefault : body.clear_for_s * 1_000,
    text: body.text ?? "",
  };
}

function prepareEntry(rule: AlarmRule): RuleEntry | Refusal {
  if (rule.name.trim() === "") return refuse("invalid_request", "A rule has a name.");
  const prepared = prepareRule(rule);
  if (isRefusal(prepared)) return prepared;
  const isInScope = prepareScope(rule.where);
  return isRefusal(isInScope) ? isInScope : { prepared, isInScope };
}
