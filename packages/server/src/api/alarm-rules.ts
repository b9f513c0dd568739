import {
  type AlarmRuleChangeBody,
  alarmRuleChangeSchema,
  alarmRuleSchema,
  alarmRulesSchema,
  isRefusal,
  limits,
  type NewAlarmRuleBody,
  newAlarmRuleSchema,
  paths,
  type Refusal,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { AlarmRule } from "../alarms/alarm-record.ts";
import { auditedTask } from "../http/access-guard.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { alarmRuleBody } from "./alarm-bodies.ts";
import { AlarmSight } from "./alarm-sight.ts";
import type { AlarmApiParts } from "./alarms.ts";

const ruleParams = Type.Object({
  rule: Type.String({ description: "The rule's id", examples: ["no_data", "rul_8KD3"] }),
});
interface RuleParams {
  Params: { rule: string };
}

/** `/api/v1/alarm-rules`: when alarms ring. */
export function registerAlarmRulesApi(app: FastifyInstance, parts: AlarmApiParts): void {
  const { alarms } = parts;

  app.get(
    `${paths.api}/alarm-rules`,
    defineRoute({
      tag: "Alarms",
      role: "viewer",
      summary: "All rules, those that are built in first",
      answer: alarmRulesSchema,
    }),
    async (request) => {
      const counts = await countOpen(parts, request);
      return { rules: alarms.rules.list().map((rule) => alarmRuleBody(rule, counts.get(rule.ruleId) ?? 0)) };
    },
  );

  app.post<{ Body: NewAlarmRuleBody }>(
    `${paths.api}/alarm-rules`,
    defineRoute({
      tag: "Alarms",
      role: "admin",
      summary: "Make a rule",
      description: `At most ${limits.alarmRulesMax} of one's own. \`when\` is about what devices send: points, state, mode, error_flags, clock. \`where\` says which devices, by id, name or properties.`,
      body: newAlarmRuleSchema,
      answer: alarmRuleSchema,
      status: 201,
      errors: [409],
    }),
    async (request, reply) => {
      const { body } = request;
      const change = { action: "alarm_rule.add", target: body.name, detail: { ...body } };
      return sendRule(parts, request, reply.code(201), change, () => alarms.addRule(body));
    },
  );

  app.patch<RuleParams & { Body: AlarmRuleChangeBody }>(
    `${paths.api}/alarm-rules/:rule`,
    defineRoute({
      tag: "Alarms",
      role: "admin",
      summary: "Change a rule, or switch it off",
      description: "What rings goes on ringing until a sample says otherwise by the rule as it is then.",
      params: ruleParams,
      body: alarmRuleChangeSchema,
      answer: alarmRuleSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { rule } = request.params;
      const change = { action: "alarm_rule.change", target: rule, detail: { ...request.body } };
      return sendRule(parts, request, reply, change, () => alarms.changeRule(rule, request.body));
    },
  );

  app.delete<RuleParams>(
    `${paths.api}/alarm-rules/:rule`,
    defineRoute({
      tag: "Alarms",
      role: "admin",
      summary: "Remove a rule, and end its alarms",
      params: ruleParams,
      answer: alarmRuleSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { rule } = request.params;
      const change = { action: "alarm_rule.remove", target: rule };
      return sendRule(parts, request, reply, change, () => alarms.removeRule(rule));
    },
  );
}

async function sendRule(
  parts: AlarmApiParts,
  request: FastifyRequest,
  reply: FastifyReply,
  entry: { readonly action: string; readonly target: string; readonly detail?: Readonly<Record<string, unknown>> },
  change: () => Promise<AlarmRule | Refusal>,
) {
  const changed = await auditedTask(parts, request, entry, change);
  if (isRefusal(changed)) return sendRefusal(reply, changed);
  const counts = await countOpen(parts, request);
  return alarmRuleBody(changed, counts.get(changed.ruleId) ?? 0);
}

/** Open alarms that whoever asks may see, by rule. */
async function countOpen(parts: AlarmApiParts, request: FastifyRequest): Promise<ReadonlyMap<string, number>> {
  const sight = await AlarmSight.of(request, parts);
  const counts = new Map<string, number>();
  for (const entry of parts.alarms.book.open()) {
    const { ruleId } = entry.record;
    if (sight.see(entry) !== null) counts.set(ruleId, (counts.get(ruleId) ?? 0) + 1);
  }
  return counts;
}
