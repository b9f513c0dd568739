import type { AlarmRuleBody, AlarmRulesBody } from "@wattboard/protocol";
import { Link } from "wouter";
import { useMe } from "../../api/me.ts";
import { usePolled } from "../../api/use-polled.ts";
import { severityWord } from "../../domain/alarm-words.ts";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { formatSpan } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { conditionTextWords } from "../fleet/condition-words.ts";
import styles from "./alarm-rule-page.module.css";
import { RuleForm } from "./rule-form.tsx";
import { scopeWords, whenWords } from "./rule-words.ts";

/** `/alarm-rules/:id`, and with null `/alarm-rules/new`: one rule, to read, and for administrators to change and to try. */
export function AlarmRulePage({ ruleId }: { readonly ruleId: string | null }) {
  const me = useMe();
  const { body, failure } = usePolled<AlarmRulesBody>(apiPaths.alarmRules, { everyMs: 60_000 });
  const rule = body?.rules.find(({ rule_id }) => rule_id === ruleId) ?? null;
  const isKnown = body !== null && (ruleId === null || rule !== null);
  const heading = ruleId === null ? "New alarm rule" : (rule?.name ?? "Alarm rule");
  return (
    <Page
      title={heading}
      heading={heading}
      aside={<Link href={pagePaths.alarmRules}>All rules</Link>}
      {...((body === null || me === undefined) && failure === null && { waitingFor: "the rule" })}
    >
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure?.isRefused === false && <Notice tone="warn" title={failure.message} />}
      {body !== null && !isKnown && <Notice tone="warn" title={`There is no rule ${ruleId}.`} />}
      {isKnown && me !== undefined && me?.role === "admin" && <RuleForm rule={rule} />}
      {isKnown && me !== undefined && me?.role !== "admin" && rule !== null && <ReadRule rule={rule} />}
      {isKnown && me !== undefined && me?.role !== "admin" && rule === null && (
        <Notice tone="info" title="Rules are made by administrators." />
      )}
    </Page>
  );
}

function ReadRule({ rule }: { readonly rule: AlarmRuleBody }) {
  const { is_on, severity, clear_when, clear_for_s, text } = rule;
  return (
    <Panel title={is_on ? "On" : "Switched off: it does not ring"}>
      <dl className={styles.facts}>
        <dt>Rings when</dt>
        <dd>{whenWords(rule)}</dd>
        <dt>About</dt>
        <dd>{scopeWords(rule)}</dd>
        <dt>Is over when</dt>
        <dd>
          {clear_when === null ? "it does not hold any more" : clear_when.map(conditionTextWords).join(" and ")}
          {clear_for_s > 0 && `, for ${formatSpan(1_000 * clear_for_s)}`}
        </dd>
        <dt>Severity</dt>
        <dd>{severityWord(severity)}</dd>
        {text !== "" && (
          <>
            <dt>What to do</dt>
            <dd>{text}</dd>
          </>
        )}
      </dl>
    </Panel>
  );
}
