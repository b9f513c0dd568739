import type { AlarmRuleBody, AlarmRulesBody } from "@wattboard/protocol";
import { Link } from "wouter";
import { useMe } from "../../api/me.ts";
import { queryClient } from "../../api/query-client.ts";
import { sendJson } from "../../api/request.ts";
import { usePolled } from "../../api/use-polled.ts";
import { severityWord } from "../../domain/alarm-words.ts";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { buttonLook } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Switch } from "../../ui/switch.tsx";
import { Tag } from "../../ui/tag.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { scopeWords, whenWords } from "./rule-words.ts";

const everyMs = 10_000;

/** `/alarm-rules`: when alarms ring. Administrators switch, change and make them. */
export function AlarmRulesPage() {
  const { body, failure } = usePolled<AlarmRulesBody>(apiPaths.alarmRules, { everyMs });
  const isAdmin = useMe()?.role === "admin";
  const own = body?.rules.filter((rule) => !rule.is_built_in) ?? [];
  const builtIn = body?.rules.filter((rule) => rule.is_built_in) ?? [];
  return (
    <Page
      title="Alarm rules"
      heading="Alarm rules"
      aside={
        <div className="buttons">
          <Link href={pagePaths.alarms()}>Alarms</Link>
          {isAdmin && (
            <Link {...buttonLook} data-tone="strong" href={pagePaths.newAlarmRule}>
              Make a rule
            </Link>
          )}
        </div>
      }
    >
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure?.isRefused === false && <Notice tone="warn" title={failure.message} />}
      {body !== null && (
        <div className="stack">
          <Panel title="Your own">
            {own.length === 0 ? (
              <p className="muted">
                None yet. A rule of your own rings when values of a device meet conditions, such as a charge below 10 %.
              </p>
            ) : (
              <RuleTable rules={own} isAdmin={isAdmin} />
            )}
          </Panel>
          <Panel title="Built in">
            <RuleTable rules={builtIn} isAdmin={isAdmin} />
          </Panel>
        </div>
      )}
    </Page>
  );
}

interface RuleTableProps {
  readonly rules: readonly AlarmRuleBody[];
  readonly isAdmin: boolean;
}

function RuleTable({ rules, isAdmin }: RuleTableProps) {
  return (
    <table className={list.list}>
      <thead>
        <tr>
          <th>Rule</th>
          <th>Rings when</th>
          <th>About</th>
          <th>Severity</th>
          <th>Open</th>
          <th>{isAdmin ? "Rings" : <span className="sr-only">Whether it rings</span>}</th>
        </tr>
      </thead>
      <tbody>
        {rules.map((rule) => (
          <RuleRow key={rule.rule_id} rule={rule} isAdmin={isAdmin} />
        ))}
      </tbody>
    </table>
  );
}

function RuleRow({ rule, isAdmin }: { readonly rule: AlarmRuleBody; readonly isAdmin: boolean }) {
  const { rule_id, name, severity, is_on, open_alarms } = rule;
  const switching = useSubmit();
  const turn = () =>
    switching.run(async () => {
      await sendJson("PATCH", apiPaths.alarmRule(rule_id), { is_on: !is_on });
      await queryClient.invalidateQueries({ queryKey: [apiPaths.alarmRules] });
    });
  return (
    <tr>
      <td>
        <Link href={pagePaths.alarmRule(rule_id)}>
          <b>{name}</b>
        </Link>
      </td>
      <td data-label="Rings when">{whenWords(rule)}</td>
      <td data-label="About">{scopeWords(rule)}</td>
      <td data-label="Severity">{severityWord(severity)}</td>
      <td data-label="Open">{formatNumber(open_alarms, 0)}</td>
      <td {...(isAdmin && { "data-label": "Rings" })}>
        {isAdmin ? (
          <Switch label={`${name} rings`} isOn={is_on} disabled={switching.busy} onChange={turn} />
        ) : (
          !is_on && <Tag>off</Tag>
        )}
        <FaultLine fault={switching.fault} />
      </td>
    </tr>
  );
}
