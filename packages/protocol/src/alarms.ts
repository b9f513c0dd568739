import Type from "typebox";
import { body, deviceId, nextCursor, orNull, type ReadonlyBody, time } from "./body.ts";
import { limits } from "./limits.ts";

/** How much an alarm matters, the least first. */
export const alarmSeverities = ["info", "warning", "critical"] as const;
export type AlarmSeverity = (typeof alarmSeverities)[number];

/** What an alarm is about: a rule of one's own, or one of those that are built in. */
export const alarmKinds = [
  "condition",
  "no_data",
  "error_flag",
  "clock_off",
  "contested",
  "values_left_out",
  "claim_contested",
  "store_failing",
  "disk_nearly_full",
  "certificate_expiring",
  "token_expiring",
  "fleet_command_stopped",
  "channel_failing",
] as const;
export type AlarmKind = (typeof alarmKinds)[number];

/** `acknowledged` and `snoozed` are still open: what they are about still holds. */
export const alarmStates = ["raised", "acknowledged", "snoozed", "cleared"] as const;
export type AlarmState = (typeof alarmStates)[number];

const severity = Type.Enum([...alarmSeverities]);
const kind = Type.Enum([...alarmKinds]);
const state = Type.Enum([...alarmStates]);
const alarmId = Type.String({ examples: ["alm_5QY2"] });
const ruleId = Type.String({ examples: ["no_data", "rul_8KD3"] });
const conditions = (description: string, minItems: number) =>
  Type.Array(Type.String({ minLength: 1, maxLength: limits.conditionLengthMax }), {
    minItems,
    maxItems: limits.conditionsMax,
    description,
  });

const seconds = (description: string) => Type.Integer({ minimum: 0, maximum: 7 * 86_400, description });

const ruleFields = {
  name: Type.String({ minLength: 1, maxLength: limits.nameLengthMax, examples: ["Battery is nearly empty"] }),
  is_on: Type.Boolean({ description: "Whether it rings" }),
  severity,
  where: conditions("Which devices it is about: conditions as in the filters of the fleet page; none: all", 0),
  for_s: seconds("How long it has to hold before it rings"),
  clear_for_s: seconds("How long it has to be over before the alarm is cleared"),
  text: Type.String({ maxLength: 1_000, description: "What to do; shown with the alarm and sent with its messages" }),
};

const when = conditions("What rings: conditions on a device's values, all of them: `battery.soc < 10`", 1);
const clearWhen = orNull(
  conditions(
    "What clears it again (hysteresis): `battery.soc > 15`; null: as soon as `when` does not hold any more",
    1,
  ),
);

/** The body of `POST /api/v1/alarm-rules`, and of `POST /api/v1/alarm-rules/try`. */
export const newAlarmRuleSchema = body("NewAlarmRule", "When an alarm is to ring.", {
  name: ruleFields.name,
  when,
  clear_when: Type.Optional(clearWhen),
  severity: Type.Optional(severity),
  where: Type.Optional(ruleFields.where),
  for_s: Type.Optional(ruleFields.for_s),
  clear_for_s: Type.Optional(ruleFields.clear_for_s),
  text: Type.Optional(ruleFields.text),
  is_on: Type.Optional(ruleFields.is_on),
});
export type NewAlarmRuleBody = ReadonlyBody<Type.Static<typeof newAlarmRuleSchema>>;

/** The body of `PATCH /api/v1/alarm-rules/{rule}`: of a rule that is built in `when` and `clear_when` cannot be changed. */
export const alarmRuleChangeSchema = Type.Partial(newAlarmRuleSchema, { title: "AlarmRuleChange" });
export type AlarmRuleChangeBody = Partial<NewAlarmRuleBody>;

export const alarmRuleSchema = body("AlarmRule", "When an alarm rings.", {
  rule_id: ruleId,
  kind,
  is_built_in: Type.Boolean(),
  ...ruleFields,
  when: conditions("What rings, all of them; empty where the rule is built in and no condition tells it", 0),
  clear_when: clearWhen,
  open_alarms: Type.Integer({ minimum: 0 }),
});
export type AlarmRuleBody = ReadonlyBody<Type.Static<typeof alarmRuleSchema>>;

export const alarmRulesSchema = body("AlarmRules", "All rules, those that are built in first.", {
  rules: Type.Array(alarmRuleSchema),
});
export type AlarmRulesBody = ReadonlyBody<Type.Static<typeof alarmRulesSchema>>;

const alarmDeviceSchema = body("AlarmDevice", "A device of an alarm.", {
  device_id: deviceId,
  name: Type.String(),
  since: time("Since when it holds for this device: for silence, when it was last heard"),
  until: orNull(time("Until when it held; null while it does")),
  evidence: Type.Record(
    Type.String(),
    Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Array(Type.String())]),
    {
      description: "The values that rang, by point",
    },
  ),
});
export type AlarmDeviceBody = ReadonlyBody<Type.Static<typeof alarmDeviceSchema>>;

const alarmStepSchema = body("AlarmStep", "One step of an alarm's life.", {
  at: time("When"),
  step: Type.Enum([
    "raised",
    "device_added",
    "device_cleared",
    "acknowledged",
    "snoozed",
    "snooze_ended",
    "escalated",
    "cleared",
  ]),
  by: orNull(Type.String({ description: "Who did it; null for the server" })),
  note: Type.String({ description: "What they wrote, or why it came to this" }),
});

export const alarmSchema = body("Alarm", "Something that is not as it should be, and its life.", {
  alarm_id: alarmId,
  rule_id: ruleId,
  kind,
  severity,
  state,
  title: Type.String({ description: "In words", examples: ["41 devices send nothing, all in Uppsala"] }),
  text: Type.String({ description: "What to do" }),
  shared: orNull(
    Type.String({
      description: "What its devices have in common",
      examples: ["41 of 41 in Uppsala", "all with 2.1.0"],
    }),
  ),
  since: time("Since when it holds: the first device's"),
  raised_at: time("When it rang"),
  acknowledged_at: orNull(time("When somebody took it on")),
  acknowledged_by: orNull(Type.String()),
  snoozed_until: orNull(time("Until when it does not ring")),
  cleared_at: orNull(time("When it was over")),
  cleared_because: orNull(Type.String({ description: "In words", examples: ["it is over", "the samples came later"] })),
  device_count: Type.Integer({ minimum: 0, description: "Devices that it is or was about; 0: it is about the server" }),
  open_device_count: Type.Integer({ minimum: 0, description: "Those of them for which it still holds" }),
  devices: Type.Array(alarmDeviceSchema, { description: "The first of them (as a list: `/alarms/{alarm}/devices`)" }),
  coverage: orNull(
    Type.Number({
      description: "How much of the ten minutes before was covered by samples, 0 to 1; null where that is not known",
    }),
  ),
  may_acknowledge: Type.Boolean({ description: "Whether who asks may acknowledge and snooze it" }),
});
export type AlarmBody = ReadonlyBody<Type.Static<typeof alarmSchema>>;

export const alarmDetailSchema = body("AlarmDetail", "An alarm with all its steps.", {
  ...alarmSchema.properties,
  steps: Type.Array(alarmStepSchema, { description: "The first one first" }),
});
export type AlarmDetailBody = ReadonlyBody<Type.Static<typeof alarmDetailSchema>>;

export const alarmsSchema = body("Alarms", "A page of alarms: the open ones first by severity, then the newest.", {
  alarms: Type.Array(alarmSchema),
  open: body("OpenAlarms", "Open alarms that who asks may see, by severity; snoozed ones are not among them.", {
    info: Type.Integer({ minimum: 0 }),
    warning: Type.Integer({ minimum: 0 }),
    critical: Type.Integer({ minimum: 0 }),
  }),
  next_cursor: nextCursor,
});
export type AlarmsBody = ReadonlyBody<Type.Static<typeof alarmsSchema>>;

export const alarmDevicesSchema = body("AlarmDevices", "A page of an alarm's devices, by id.", {
  devices: Type.Array(alarmDeviceSchema),
  next_cursor: nextCursor,
});
export type AlarmDevicesBody = ReadonlyBody<Type.Static<typeof alarmDevicesSchema>>;

/** The body of `POST /api/v1/alarms/{alarm}/acknowledge`. */
export const acknowledgeAlarmSchema = body("AcknowledgeAlarm", "Taking an alarm on.", {
  note: Type.Optional(Type.String({ maxLength: 1_000 })),
});

/** The body of `POST /api/v1/alarms/{alarm}/snooze`. */
export const snoozeAlarmSchema = body("SnoozeAlarm", "Silence for a while; it rings again if it still holds then.", {
  until: Type.String({
    maxLength: 64,
    description: "An RFC 3339 time, at most 30 days ahead",
    examples: ["2026-01-31T12:00:00Z"],
  }),
  note: Type.Optional(Type.String({ maxLength: 1_000 })),
});

/** The lines of `POST /api/v1/alarm-rules/try`: progress, and at last what would have rung. */
export const alarmTrialSchema = body("AlarmTrial", "What a rule would have done, by the samples that are stored.", {
  from: time("Of the time that was looked at"),
  to: time("Of the time that was looked at"),
  devices: Type.Integer({ minimum: 0, description: "Devices in its scope" }),
  times: Type.Integer({ minimum: 0, description: "How often it would have rung" }),
  total_s: Type.Number({ minimum: 0, description: "For how long in all" }),
  alarms: Type.Array(
    body("AlarmTrialAlarm", "An alarm that would have rung.", {
      device_id: deviceId,
      since: time("Since when it held"),
      raised_at: time("When it would have rung"),
      cleared_at: orNull(time("When it would have been cleared; null: not within the time")),
    }),
    { description: "The first 1,000" },
  ),
});
export type AlarmTrialBody = ReadonlyBody<Type.Static<typeof alarmTrialSchema>>;
