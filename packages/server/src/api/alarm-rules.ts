import {
  type AlarmRuleChangeBody,
  alarmRuleChangeSchema,
  alarmRuleSchema,
  alarmRulesSchema,
  isOfSmartOs,
  isRefusal,
  limits,
  type NewAlarmRuleBody,
  newAlarmRuleSchema,
  parseRfc3339,
  paths,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { AlarmRule } from "../alarms/alarm-record.ts";
import { newRule } from "../alarms/alarm-rules.ts";
import { scopeRowOf } from "../alarms/fleet-watch.ts";
import { prepareRule, prepareScope } from "../alarms/prepared-rule.ts";
import { runTrial } from "../alarms/trial/run-trial.ts";
import type { TrialQuery } from "../alarms/trial/trial-query.ts";
import { auditedTask } from "../http/access-guard.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { longTaskMsMax, progressWords, sendProgress } from "../http/progress-stream.ts";
import type { Log } from "../observe/log.ts";
import type { Store } from "../store/store.ts";
import { alarmRuleBody, trialBody } from "./alarm-bodies.ts";
import { AlarmSight } from "./alarm-sight.ts";
import type { AlarmApiParts } from "./alarms.ts";
import { listDevices } from "./device-lookup.ts";

const ruleParams = Type.Object({
  rule: Type.String({ description: "The rule's id", examples: ["no_data", "rul_8KD3"] }),
});
interface RuleParams {
  Params: { rule: string };
}

const tryQuery = Type.Object(
  {
    from: Type.Optional(Type.String({ description: "From this RFC 3339 time on; left out: the 30 days before `to`" })),
    to: Type.Optional(Type.String({ description: "Until this RFC 3339 time; left out: now" })),
  },
  { additionalProperties: false },
);
const dayMs = 86_400_000;
const trialMs = 30 * dayMs;
const trialMsMax = 400 * dayMs;
/** Trials that run at once; each has a thread of its own. One more is refused. */
const trialsMax = 2;

export interface AlarmRulesApiParts extends AlarmApiParts {
  readonly log: Log;
  readonly store: Store;
}

/** `/api/v1/alarm-rules`: when alarms ring. */
export function registerAlarmRulesApi(app: FastifyInstance, parts: AlarmRulesApiParts): void {
  const { alarms } = parts;
  registerTrialApi(app, parts);

  app.get(
    `${paths.api}/alarm-rules`,
    defineRoute({
      tag: "Alarms",
      role: "viewer",
      summary: "All rules, those that are built in first",
      description: "Who does not see all devices is not told of rules that are about some.",
      answer: alarmRulesSchema,
    }),
    async (request) => {
      const counts = await countOpen(parts, request);
      // A scope may name devices: who does not see all is told of none.
      const seesAll = parts.authorizer.mayViewAll(request.principal);
      const rules = alarms.rules.list().filter(({ where }) => seesAll || where.length === 0);
      return { rules: rules.map((rule) => alarmRuleBody(rule, counts.get(rule.ruleId) ?? 0)) };
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
  registerChanges(app, parts);
}

function registerChanges(app: FastifyInstance, parts: AlarmRulesApiParts): void {
  const { alarms } = parts;

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

function registerTrialApi(app: FastifyInstance, parts: AlarmRulesApiParts): void {
  const { clock, store } = parts;
  let running = 0;
  app.post<{ Body: NewAlarmRuleBody; Querystring: Type.Static<typeof tryQuery> }>(
    `${paths.api}/alarm-rules/try`,
    defineRoute({
      tag: "Alarms",
      role: "admin",
      summary: "Try a rule on what is stored, before it is made",
      description: `When it would have rung, by all samples as they were measured, for each device by itself. ${progressWords} The result is an \`AlarmTrial\`.`,
      querystring: tryQuery,
      body: newAlarmRuleSchema,
      answer: ["application/x-ndjson"],
      errors: [429],
      timeoutMs: longTaskMsMax,
    }),
    async (request, reply) => {
      const query = await readTrial(parts, request);
      if (isRefusal(query)) return sendRefusal(reply, query);
      if (running >= trialsMax) return sendRefusal(reply, refuse("busy"));
      running++;
      return sendProgress(reply, parts, async (progress, signal) => {
        try {
          return trialBody(query, await runTrial(store, clock, query, { signal, progress }));
        } finally {
          running--;
        }
      });
    },
  );
}

async function readTrial(
  parts: AlarmRulesApiParts,
  request: FastifyRequest<{ Body: NewAlarmRuleBody; Querystring: Type.Static<typeof tryQuery> }>,
): Promise<TrialQuery | Refusal> {
  const nowMs = parts.clock.wallMs();
  const toMs = request.query.to === undefined ? nowMs : Math.min(nowMs, parseRfc3339(request.query.to));
  const fromMs = request.query.from === undefined ? toMs - trialMs : parseRfc3339(request.query.from);
  if (!(fromMs < toMs))
    return refuse("invalid_request", "from and to are RFC 3339 times, the first before the second.");
  if (toMs - fromMs > trialMsMax) return refuse("range_too_large", "A rule is tried on 400 days at most.");
  const rule = newRule("try", request.body);
  const prepared = prepareRule(rule);
  if (isRefusal(prepared)) return prepared;
  const isInScope = prepareScope(rule.where);
  if (isRefusal(isInScope)) return isInScope;
  const devices = await listDevices(parts, request);
  const about = devices.map((device) => ({ device, row: scopeRowOf(device) })).filter(({ row }) => isInScope(row));
  return {
    rule,
    fromMs,
    toMs,
    devices: about.map(({ device, row }) => ({
      deviceId: device.deviceId,
      registration: device.registration,
      mayRest: isOfSmartOs(row.properties),
    })),
  };
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
