import {
  acknowledgeAlarmSchema,
  alarmDetailSchema,
  alarmDevicesSchema,
  alarmKinds,
  alarmSeverities,
  alarmStates,
  alarmsSchema,
  isRefusal,
  limits,
  parseRfc3339,
  paths,
  type Refusal,
  refuse,
  snoozeAlarmSchema,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import { requesterOf } from "../access/principal.ts";
import type { AlarmRecord } from "../alarms/alarm-record.ts";
import { stateOf } from "../alarms/alarm-record.ts";
import type { AlarmStore } from "../alarms/alarm-store.ts";
import type { Alarms } from "../alarms/alarms.ts";
import type { Clock } from "../base/clock.ts";
import { requesterText } from "../base/requester.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import { audited } from "../http/access-guard.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import { alarmBody, alarmDetailBody, alarmDeviceBody, type SeenAlarm } from "./alarm-bodies.ts";
import { AlarmSight } from "./alarm-sight.ts";

export interface AlarmApiParts {
  readonly alarms: Alarms;
  readonly alarmStore: AlarmStore;
  readonly audit: Audit;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly devices: DeviceRegistry;
}

const listStates = ["open", ...alarmStates] as const;
const listed = (words: readonly string[], description: string) =>
  Type.Optional(
    Type.String({ description: `${description}, with commas between them: ${words.join(", ")}`, maxLength: 500 }),
  );
const alarmsQuery = Type.Object(
  {
    state: listed(listStates, "Only of these states"),
    severity: listed(alarmSeverities, "Only of these severities"),
    kind: listed(alarmKinds, "Only of these kinds"),
    rule_id: Type.Optional(Type.String({ description: "Only of this rule", maxLength: 64 })),
    device_id: Type.Optional(Type.String({ description: "Only of this device", maxLength: limits.deviceIdLengthMax })),
    from: Type.Optional(Type.String({ description: "Only what held at this RFC 3339 time, or later" })),
    to: Type.Optional(Type.String({ description: "Only what was raised before this RFC 3339 time" })),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: "Alarms a page, at most" }),
    cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })),
  },
  { additionalProperties: false },
);
type AlarmsQuery = Type.Static<typeof alarmsQuery>;

const devicesQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 200, description: "Devices a page, at most" }),
    cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })),
  },
  { additionalProperties: false },
);
const alarmParams = Type.Object({ alarm: Type.String({ description: "The alarm's id", examples: ["alm_5QY2"] }) });
interface AlarmParams {
  Params: { alarm: string };
}

/** Of the last alarm of a page: its rank, among the open ones that of its severity, and behind them all that are over. */
const placeSchema = Type.Object(
  { rank: Type.Integer(), raised: Type.Integer(), number: Type.Integer() },
  { additionalProperties: false },
);
type AlarmCursor = Type.Static<typeof placeSchema>;
const readPlace = cursorReader(placeSchema);
const readDevicesPlace = cursorReader(Type.Object({ after: Type.String() }, { additionalProperties: false }));
/** Behind the ranks of all severities. */
const endedRank = alarmSeverities.length;

const noSuchAlarm = refuse("not_found", "There is no such alarm.");

/** `/api/v1/alarms`: what is not as it should be, and who takes it on. */
export function registerAlarmsApi(app: FastifyInstance, parts: AlarmApiParts): void {
  const { alarms } = parts;

  app.get<{ Querystring: AlarmsQuery }>(
    `${paths.api}/alarms`,
    defineRoute({
      tag: "Alarms",
      role: "viewer",
      summary: "Alarms: the open ones first, by severity, then those that are over, the newest first",
      description: `Of those that are over the newest ${limits.alarmsKept} are kept. Who has devices of their own sees the alarms of these, and of one that is about several these devices alone; alarms of the server need the sight of all.`,
      querystring: alarmsQuery,
      answer: alarmsSchema,
    }),
    (request, reply) => listAlarms(parts, request, reply),
  );

  app.get<AlarmParams>(
    `${paths.api}/alarms/:alarm`,
    defineRoute({
      tag: "Alarms",
      role: "viewer",
      summary: "One alarm, and all its steps",
      params: alarmParams,
      answer: alarmDetailSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const seen = await findAlarm(parts, request, request.params.alarm);
      return seen === null ? sendRefusal(reply, noSuchAlarm) : alarmDetailBody(seen);
    },
  );

  app.get<AlarmParams & { Querystring: Type.Static<typeof devicesQuery> }>(
    `${paths.api}/alarms/:alarm/devices`,
    defineRoute({
      tag: "Alarms",
      role: "viewer",
      summary: "The devices of an alarm, page by page",
      description: `Of an alarm that is over ${limits.alarmDevicesKept} devices are kept; the others are counted.`,
      params: alarmParams,
      querystring: devicesQuery,
      answer: alarmDevicesSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const { limit, cursor } = request.query;
      const place = cursor === undefined ? { after: "" } : readDevicesPlace(cursor);
      if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      const sight = await AlarmSight.of(request, parts);
      const entry = alarms.book.find(request.params.alarm);
      const seen = await findAlarm(parts, request, request.params.alarm, sight);
      if (seen === null) return sendRefusal(reply, noSuchAlarm);
      const members =
        entry !== undefined
          ? sight.membersOf(entry, place.after)
          : await parts.alarmStore.listMembers(seen.record.number, { ...place, limit: limit + 1, keys: sight.keys });
      const page = await writePage(members, limit, alarmDeviceBody);
      const next = page.isMore && page.last !== undefined ? writeCursor({ after: page.last.deviceId }) : null;
      return sendPage(reply, "devices", page, { next_cursor: next });
    },
  );
  registerActs(app, parts);
}

function registerActs(app: FastifyInstance, parts: AlarmApiParts): void {
  const { alarms } = parts;

  app.post<AlarmParams & { Body: Type.Static<typeof acknowledgeAlarmSchema> }>(
    `${paths.api}/alarms/:alarm/acknowledge`,
    defineRoute({
      tag: "Alarms",
      role: "operator",
      summary: "Take an alarm on",
      description: "It stays open until it is over. What only tells that something has happened is over with it.",
      params: alarmParams,
      body: acknowledgeAlarmSchema,
      answer: alarmDetailSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { note = "" } = request.body;
      return act(parts, request, reply, { action: "alarm.acknowledge", detail: { note } }, (alarmId, by) =>
        alarms.acknowledge(alarmId, by, note),
      );
    },
  );

  app.post<AlarmParams & { Body: Type.Static<typeof snoozeAlarmSchema> }>(
    `${paths.api}/alarms/:alarm/snooze`,
    defineRoute({
      tag: "Alarms",
      role: "operator",
      summary: "Silence an alarm for a while; it rings again if it still holds then",
      params: alarmParams,
      body: snoozeAlarmSchema,
      answer: alarmDetailSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { until, note = "" } = request.body;
      return act(parts, request, reply, { action: "alarm.snooze", detail: { until, note } }, (alarmId, by) =>
        alarms.snooze(alarmId, parseRfc3339(until), by, note),
      );
    },
  );
}

/** Does something to an open alarm, on the record, and answers with what it is then. */
async function act(
  parts: AlarmApiParts,
  request: FastifyRequest<AlarmParams>,
  reply: FastifyReply,
  entry: { readonly action: string; readonly detail: Readonly<Record<string, unknown>> },
  task: (alarmId: string, by: string) => Refusal | null,
) {
  const { alarm: alarmId } = request.params;
  const seen = await findAlarm(parts, request, alarmId);
  if (seen === null) return sendRefusal(reply, noSuchAlarm);
  const { principal } = request;
  if (seen.record.clearedAtMs !== null) return sendRefusal(reply, refuse("alarm_cleared"));
  if (principal === null || !seen.mayAcknowledge) {
    const words =
      "The alarm is about devices that you may not command as well; who takes it on does so for all of them.";
    return sendRefusal(reply, refuse("not_permitted", words));
  }
  const by = requesterText(requesterOf(principal));
  const [deviceId = null] = seen.record.deviceCount === 1 ? seen.members.map((each) => each.deviceId) : [];
  const done = audited(parts, request, { ...entry, deviceId, target: alarmId }, () => task(alarmId, by) ?? {});
  if (isRefusal(done)) return sendRefusal(reply, done);
  // Stored before it is told; while the disk does not take it, it holds all the same.
  await parts.alarms.journal.settled();
  const now = await findAlarm(parts, request, alarmId);
  return now === null ? sendRefusal(reply, noSuchAlarm) : alarmDetailBody(now);
}

async function findAlarm(
  parts: AlarmApiParts,
  request: FastifyRequest,
  alarmId: string,
  sight?: AlarmSight,
): Promise<SeenAlarm | null> {
  const by = sight ?? (await AlarmSight.of(request, parts));
  const entry = parts.alarms.book.find(alarmId);
  if (entry !== undefined) return by.see(entry);
  const ended = await parts.alarmStore.find(alarmId, by.keys);
  return ended === null ? null : by.seeEnded(ended);
}

async function listAlarms(
  parts: AlarmApiParts,
  request: FastifyRequest<{ Querystring: AlarmsQuery }>,
  reply: FastifyReply,
) {
  const asked = readAlarmsQuery(request.query);
  if (isRefusal(asked)) return sendRefusal(reply, asked);
  const { cursor, limit } = request.query;
  const place = cursor === undefined ? undefined : readPlace(cursor);
  if (place === null) return sendRefusal(reply, refuse("invalid_cursor"));
  const sight = await AlarmSight.of(request, parts);
  const { device_id: deviceId } = request.query;
  const key = deviceId === undefined ? undefined : parts.devices.registrationOf(deviceId).key;
  const isVisible = deviceId === undefined || sight.maySeeDevice(deviceId);
  const open = { info: 0, warning: 0, critical: 0 };
  const shown: SeenAlarm[] = [];
  for (const entry of parts.alarms.book.open()) {
    const seen = sight.see(entry);
    if (seen === null) continue;
    const { record } = seen;
    if (record.snoozedUntilMs === null) open[record.severity]++;
    const isOfDevice = key === undefined || entry.members.has(key);
    if (isVisible && isOfDevice && asked.fits(record) && isBehind(record, place)) shown.push(seen);
  }
  shown.sort(({ record: one }, { record: other }) => inListOrder(one, other));
  if (shown.length <= limit && isVisible && asked.states.has("cleared")) {
    const keys = key === undefined ? sight.keys : [key];
    const before = place?.rank === endedRank ? { raisedAtMs: place.raised, number: place.number } : undefined;
    const ended = await parts.alarmStore.listEnded({ ...asked.ended, keys, before, limit: limit + 1 });
    for (const each of ended) {
      const seen = sight.seeEnded(each);
      // What has begun anew meanwhile is among the open ones.
      if (seen !== null && parts.alarms.book.find(each.record.alarmId)?.isOpen !== true) shown.push(seen);
    }
  }
  const page = await writePage(shown, limit, alarmBody);
  const next = page.isMore && page.last !== undefined ? writeCursor(cursorOf(page.last.record)) : null;
  return sendPage(reply, "alarms", page, { open, next_cursor: next });
}

function listRank({ clearedAtMs, severity }: AlarmRecord): number {
  return clearedAtMs !== null ? endedRank : endedRank - 1 - alarmSeverities.indexOf(severity);
}

function cursorOf(record: AlarmRecord): AlarmCursor {
  return { rank: listRank(record), raised: record.raisedAtMs, number: record.number };
}

function inListOrder(one: AlarmRecord, other: AlarmRecord): number {
  return listRank(one) - listRank(other) || other.raisedAtMs - one.raisedAtMs || other.number - one.number;
}

function isBehind(record: AlarmRecord, place: AlarmCursor | undefined): boolean {
  if (place === undefined) return true;
  const at = cursorOf(record);
  return (at.rank - place.rank || place.raised - at.raised || place.number - at.number) > 0;
}

/** What the query asks for: of open alarms a test, of those that are over what the store is asked. */
function readAlarmsQuery(query: AlarmsQuery) {
  const states = readList(query.state, listStates, "state");
  if (isRefusal(states)) return states;
  const severities = readList(query.severity, alarmSeverities, "severity");
  if (isRefusal(severities)) return severities;
  const kinds = readList(query.kind, alarmKinds, "kind");
  if (isRefusal(kinds)) return kinds;
  const [fromMs, toMs] = [query.from, query.to].map((text) => (text === undefined ? undefined : parseRfc3339(text)));
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) {
    return refuse("invalid_request", "from and to are RFC 3339 times, e.g. 2026-01-31T12:00:00Z.");
  }
  const wanted = new Set<string>(states ?? alarmStates);
  if (wanted.delete("open")) for (const state of alarmStates) if (state !== "cleared") wanted.add(state);
  const { rule_id: ruleId } = query;
  return {
    states: wanted,
    ended: { severities, kinds, ruleId, fromMs, toMs },
    fits: (record: AlarmRecord): boolean =>
      wanted.has(stateOf(record)) &&
      (severities?.includes(record.severity) ?? true) &&
      (kinds?.includes(record.kind) ?? true) &&
      (ruleId === undefined || record.ruleId === ruleId) &&
      (toMs === undefined || record.raisedAtMs < toMs),
  };
}

function readList<T extends string>(text: string | undefined, words: readonly T[], name: string) {
  if (text === undefined) return undefined;
  const found = text.split(",").map((each) => each.trim());
  const odd = found.find((each) => !(words as readonly string[]).includes(each));
  if (odd === undefined) return found as T[];
  return refuse("invalid_request", `${name} is one of ${words.join(", ")}; ${JSON.stringify(odd)} is none of them.`);
}
