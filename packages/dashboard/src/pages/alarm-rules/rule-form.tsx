import {
  type AlarmRuleBody,
  type AlarmSeverity,
  type Condition,
  formatCondition,
  isRefusal,
  limits,
  type NewAlarmRuleBody,
  parseCondition,
} from "@wattboard/protocol";
import { useId, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { queryClient } from "../../api/query-client.ts";
import { sendJson } from "../../api/request.ts";
import { severitiesWorstFirst, severityWord } from "../../domain/alarm-words.ts";
import { useFleetFeed } from "../../live/use-fleet-feed.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Choice, Choices, inputLook, Labelled } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segments } from "../../ui/segments.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { ConditionForm } from "../fleet/condition-form.tsx";
import { ConditionList } from "../fleet/condition-list.tsx";
import type { FleetField } from "../fleet/fleet-field.ts";
import { useFleetFields } from "../fleet/use-fleet-fields.ts";
import styles from "./rule-form.module.css";
import { RuleTrial } from "./rule-trial.tsx";
import { isOfServer, whenWords } from "./rule-words.ts";
import { SpanField } from "./span-field.tsx";

/** What is being written: a rule with its conditions read. */
interface Draft {
  readonly name: string;
  readonly severity: AlarmSeverity;
  readonly when: readonly Condition[];
  readonly clearWhen: readonly Condition[] | null;
  readonly where: readonly Condition[];
  readonly for_s: number;
  readonly clear_for_s: number;
  readonly text: string;
}

/** Makes a rule, or changes one: what rings, for which devices, how long it has to hold; tried on history before it is saved. */
export function RuleForm({ rule }: { readonly rule: AlarmRuleBody | null }) {
  const [draft, setDraft] = useState(() => draftOf(rule));
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const isBuiltIn = rule?.is_built_in === true;
  const body = writtenRule(draft);
  const isWhole = draft.name.trim() !== "" && (isBuiltIn || draft.when.length > 0);

  return (
    <div className={styles.layout}>
      <div className="stack">
        <Panel title="Rings when">
          {isBuiltIn && rule !== null ? (
            <p>{whenWords({ ...rule, for_s: 0 })}</p>
          ) : (
            <Rings draft={draft} onChange={change} />
          )}
          <div className={styles.spans}>
            <SpanField
              label="For"
              note="How long it has to hold before it rings."
              seconds={draft.for_s}
              onChange={(for_s) => change({ for_s })}
            />
            <SpanField
              label="Over for"
              note="How long it has to be over before the alarm is."
              seconds={draft.clear_for_s}
              onChange={(clear_for_s) => change({ clear_for_s })}
            />
          </div>
        </Panel>
        {(rule === null || !isOfServer(rule)) && (
          <Panel title="For which devices">
            <Scope draft={draft} onChange={change} />
          </Panel>
        )}
      </div>
      <div className="stack">
        <Panel title="How it is told">
          <Telling draft={draft} onChange={change} />
        </Panel>
        {!isBuiltIn && <RuleTrial body={isWhole ? body : null} />}
        <RuleButtons rule={rule} body={body} isWhole={isWhole} />
      </div>
    </div>
  );
}

interface RuleButtonsProps {
  readonly rule: AlarmRuleBody | null;
  readonly body: NewAlarmRuleBody;
  readonly isWhole: boolean;
}

function RuleButtons({ rule, body, isWhole }: RuleButtonsProps) {
  const [, navigate] = useLocation();
  const saving = useSubmit();
  const isBuiltIn = rule?.is_built_in === true;
  const leave = async () => {
    await queryClient.invalidateQueries({ queryKey: [apiPaths.alarmRules] });
    navigate(pagePaths.alarmRules);
  };
  const save = () =>
    saving.run(async () => {
      const { when, clear_when, ...rest } = body;
      if (rule === null) await sendJson("POST", apiPaths.alarmRules, body);
      else await sendJson("PATCH", apiPaths.alarmRule(rule.rule_id), isBuiltIn ? rest : body);
      await leave();
    });
  const remove = (ruleId: string) =>
    saving.run(async () => {
      await sendJson("DELETE", apiPaths.alarmRule(ruleId));
      await leave();
    });

  return (
    <>
      <FaultLine fault={saving.fault} />
      <div className="buttons">
        <Button tone="strong" disabled={!isWhole || saving.busy} onClick={save}>
          {rule === null ? "Make the rule" : "Save"}
        </Button>
        {rule !== null && !isBuiltIn && (
          <ConfirmButton
            tone="bad"
            sure={`Remove “${rule.name}” and end its alarms`}
            disabled={saving.busy}
            onConfirm={() => remove(rule.rule_id)}
          >
            Remove
          </ConfirmButton>
        )}
      </div>
      {!isWhole && <p className="fine">A rule needs a name{isBuiltIn ? "" : ", and a condition that rings"}.</p>}
    </>
  );
}

interface RulePartProps {
  readonly draft: Draft;
  readonly onChange: (part: Partial<Draft>) => void;
}

function Rings({ draft: { when, clearWhen }, onChange }: RulePartProps) {
  const { fields, valuesOf } = useFields(isMeasured);
  const common = { fields, valuesOf, noun: "condition" };
  return (
    <div className={styles.part}>
      {when.length === 0 && (
        <p className="muted">Nothing yet. Choose what is to ring; several conditions all have to hold.</p>
      )}
      <ConditionList
        label="Rings when"
        noun="condition"
        conditions={when}
        onChange={(conditions) => onChange({ when: conditions })}
      />
      <ConditionForm
        {...common}
        isFull={when.length >= limits.conditionsMax}
        onAdd={(condition) => onChange({ when: [...when, condition] })}
      />
      <Choices legend="It is over">
        <Choice type="radio" checked={clearWhen === null} onChange={() => onChange({ clearWhen: null })}>
          As soon as that does not hold any more
        </Choice>
        <Choice type="radio" checked={clearWhen !== null} onChange={() => onChange({ clearWhen: [] })}>
          Only when something else holds{" "}
          <span className="fine">so that a value that goes to and fro around a limit does not ring each time</span>
        </Choice>
      </Choices>
      {clearWhen !== null && (
        <>
          <ConditionList
            label="Is over when"
            noun="condition"
            conditions={clearWhen}
            onChange={(conditions) => onChange({ clearWhen: conditions })}
          />
          <ConditionForm
            {...common}
            noun="end condition"
            isFull={clearWhen.length >= limits.conditionsMax}
            onAdd={(condition) => onChange({ clearWhen: [...clearWhen, condition] })}
          />
        </>
      )}
    </div>
  );
}

function Scope({ draft: { where }, onChange }: RulePartProps) {
  const { fields, valuesOf } = useFields(isOfRegistration);
  return (
    <div className={styles.part}>
      <p className={where.length === 0 ? "" : "muted"}>
        {where.length === 0 ? "All devices; or those that you choose here." : "Devices that meet all of these."}
      </p>
      <ConditionList
        label="For which devices"
        noun="condition"
        conditions={where}
        onChange={(conditions) => onChange({ where: conditions })}
      />
      <ConditionForm
        fields={fields}
        valuesOf={valuesOf}
        isFull={where.length >= limits.conditionsMax}
        onAdd={(condition) => onChange({ where: [...where, condition] })}
      />
    </div>
  );
}

function Telling({ draft: { name, severity, text }, onChange }: RulePartProps) {
  const textId = useId();
  return (
    <div className={styles.part}>
      <Labelled label="Name">
        <input
          className={inputLook}
          required
          maxLength={limits.nameLengthMax}
          value={name}
          placeholder="Battery is nearly empty"
          onChange={({ target }) => onChange({ name: target.value })}
        />
      </Labelled>
      <div>
        <p className="fine">Severity</p>
        <Segments
          label="Severity"
          value={severity}
          options={severitiesWorstFirst.map((each) => [each, severityWord(each)])}
          onChange={(each) => onChange({ severity: each })}
        />
      </div>
      <Labelled label="What to do" note="Shown with the alarm, and sent with its messages.">
        <textarea
          id={textId}
          className={`${inputLook} ${styles.text}`}
          rows={3}
          maxLength={1_000}
          value={text}
          onChange={({ target }) => onChange({ text: target.value })}
        />
      </Labelled>
    </div>
  );
}

/** The fields that this part of a rule may ask for. */
function useFields(fits: (field: FleetField) => boolean) {
  const { fields, valuesOf } = useFleetFields(useFleetFeed().rows);
  return { fields: useMemo(() => fields.filter(fits), [fields, fits]), valuesOf };
}

const measuredOfDevice: ReadonlySet<string> = new Set(["state", "mode", "error_flags", "clock"]);

/** What devices send: that rings. */
function isMeasured({ group, name }: FleetField): boolean {
  return group === "Measured" || measuredOfDevice.has(name);
}

/** What is known of a device without a sample: that says whom a rule is about. */
function isOfRegistration({ group, name }: FleetField): boolean {
  return group === "Properties" || name === "id" || name === "name";
}

function draftOf(rule: AlarmRuleBody | null): Draft {
  const read = (texts: readonly string[]) =>
    texts.flatMap((text) => {
      const condition = parseCondition(text);
      return isRefusal(condition) ? [] : [condition];
    });
  return {
    name: rule?.name ?? "",
    severity: rule?.severity ?? "warning",
    when: read(rule?.when ?? []),
    clearWhen: rule?.clear_when == null ? null : read(rule.clear_when),
    where: read(rule?.where ?? []),
    for_s: rule?.for_s ?? 60,
    clear_for_s: rule?.clear_for_s ?? 60,
    text: rule?.text ?? "",
  };
}

function writtenRule({ name, when, clearWhen, where, text, ...rest }: Draft): NewAlarmRuleBody {
  return {
    ...rest,
    name: name.trim(),
    when: when.map(formatCondition),
    clear_when: clearWhen === null || clearWhen.length === 0 ? null : clearWhen.map(formatCondition),
    where: where.map(formatCondition),
    text: text.trim(),
  };
}
