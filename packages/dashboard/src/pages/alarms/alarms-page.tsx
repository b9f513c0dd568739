import type { AlarmBody, AlarmsBody } from "@wattboard/protocol";
import { useRef, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { alarmsEveryMs } from "../../api/alarms.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePages } from "../../api/use-pages.ts";
import { usePolled } from "../../api/use-polled.ts";
import { AlarmLine } from "../../domain/alarm-line.tsx";
import { alarmStates, alarmStateWord, severitiesWorstFirst, severityWord } from "../../domain/alarm-words.ts";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { inputLook, Labelled } from "../../ui/field.tsx";
import { FilterBar } from "../../ui/filter-bar.tsx";
import { instantField, localOf } from "../../ui/local-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useKeys } from "../../ui/use-keys.ts";
import { useSubmit } from "../../ui/use-submit.ts";
import { useTick } from "../../ui/use-tick.ts";
import { acknowledge } from "./alarm-acts.ts";
import { AcknowledgeDialog, SnoozeDialog } from "./alarm-dialogs.tsx";
import styles from "./alarms-page.module.css";
import { KeysDialog } from "./keys-dialog.tsx";

const names = ["state", "severity", "device", "from", "to"] as const;
type AlarmQuestion = Partial<Record<(typeof names)[number], string>>;
const rowsAPage = 50;
/** Of those that are over, where none is open. */
const overShown = 5;

type OpenDialog = { readonly kind: "acknowledge" | "snooze"; readonly alarm: AlarmBody } | { readonly kind: "keys" };

/** `/alarms`: what is not as it should be, the worst first, and what was. The filter stands in the address; keys walk through the list. */
export function AlarmsPage() {
  useTick(1_000);
  const [params, setParams] = useSearchParams();
  const filter = alarmFilterOf(params);
  const { pages, failure, isLate, more, isLoadingMore } = usePages<AlarmsBody>(
    (given) => apiPaths.alarms({ ...alarmQuestionOf(filter), limit: rowsAPage, ...given }),
    { everyMs: alarmsEveryMs },
  );
  const alarms = pages?.flatMap((page) => page.alarms) ?? [];
  const [opened, setOpened] = useState<OpenDialog | null>(null);
  const { listRef, searchRef, fault } = useAlarmKeys(alarms, setOpened);

  return (
    <Page
      title="Alarms"
      heading="Alarms"
      aside={
        <div className="buttons">
          <Link href={pagePaths.alarmRules}>Rules</Link>
          <Link href={pagePaths.events()}>Events</Link>
          <span className={styles.keys}>
            <Button aria-haspopup="dialog" onClick={() => setOpened({ kind: "keys" })}>
              Keys <kbd>?</kbd>
            </Button>
          </span>
        </div>
      }
    >
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure?.isRefused === false && <Notice tone="warn" title={failure.message} />}
      {pages !== null && (
        <>
          <AlarmFilter
            key={params.toString()}
            filter={filter}
            searchRef={searchRef}
            onFilter={(given) => setParams(given)}
          />
          <FaultLine fault={fault} />
          <Panel title={listTitleOf(filter)} isBusy={isLate}>
            {alarms.length === 0 ? (
              <Nothing filter={filter} />
            ) : (
              <ul ref={listRef} className={styles.list} aria-label="Alarms">
                {alarms.map((alarm) => (
                  <AlarmRow key={alarm.alarm_id} alarm={alarm} onOpen={setOpened} />
                ))}
              </ul>
            )}
            {more !== null && (
              <Button disabled={isLoadingMore} onClick={more}>
                More
              </Button>
            )}
          </Panel>
          {alarms.length === 0 && isUnfiltered(filter) && <NewestOver />}
        </>
      )}
      {opened?.kind === "acknowledge" && <AcknowledgeDialog alarm={opened.alarm} onClose={() => setOpened(null)} />}
      {opened?.kind === "snooze" && <SnoozeDialog alarm={opened.alarm} onClose={() => setOpened(null)} />}
      {opened?.kind === "keys" && <KeysDialog onClose={() => setOpened(null)} />}
    </Page>
  );
}

/** What keys do with the list, and with the alarm in it that has the focus. */
function useAlarmKeys(alarms: readonly AlarmBody[], onOpen: (opened: OpenDialog) => void) {
  const acting = useSubmit();
  const listRef = useRef<HTMLUListElement>(null);
  const searchRef = useRef<HTMLInputElement>(null);
  const rows = () => [...(listRef.current?.querySelectorAll<HTMLElement>("li > div a") ?? [])];
  const present = () => rows().findIndex((row) => row.closest("li")?.contains(document.activeElement) === true);
  const move = (by: number) => {
    const at = present();
    rows()[at === -1 ? 0 : Math.min(Math.max(at + by, 0), rows().length - 1)]?.focus();
  };
  const withPresent = (act: (alarm: AlarmBody) => void) => () => {
    const alarm = alarms[present()];
    if (alarm?.may_acknowledge === true && alarm.state !== "cleared") act(alarm);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    a: withPresent((alarm) => acting.run(() => acknowledge(alarm))),
    s: withPresent((alarm) => onOpen({ kind: "snooze", alarm })),
    "/": () => searchRef.current?.focus(),
    "?": () => onOpen({ kind: "keys" }),
  });
  return { listRef, searchRef, fault: acting.fault };
}

interface AlarmRowProps {
  readonly alarm: AlarmBody;
  readonly onOpen: (opened: OpenDialog) => void;
}

function AlarmRow({ alarm, onOpen }: AlarmRowProps) {
  const { may_acknowledge, state, title } = alarm;
  return (
    <li className={styles.row}>
      <AlarmLine alarm={alarm} nowMs={serverClock.now()} />
      {may_acknowledge && state !== "cleared" && (
        <div className={styles.acts}>
          {state !== "acknowledged" && (
            <Button aria-label={`Acknowledge: ${title}`} onClick={() => onOpen({ kind: "acknowledge", alarm })}>
              Acknowledge
            </Button>
          )}
          <Button aria-label={`Snooze: ${title}`} onClick={() => onOpen({ kind: "snooze", alarm })}>
            Snooze
          </Button>
        </div>
      )}
    </li>
  );
}

function Nothing({ filter }: { readonly filter: AlarmQuestion }) {
  return <p className="muted">{isUnfiltered(filter) ? "No open alarms: all is as it should be." : "No alarm fits."}</p>;
}

/** Where none is open: the newest of those that are over, so that it is seen what stands here when one is. */
function NewestOver() {
  const { body } = usePolled<AlarmsBody>(apiPaths.alarms({ state: "cleared", limit: overShown }), {
    everyMs: alarmsEveryMs,
  });
  if (body === null) return null;
  return (
    <div className={styles.over}>
      <Panel
        title="Over, the newest first"
        aside={
          body.next_cursor !== null && <Link href={pagePaths.alarms({ state: "cleared" })}>All that are over</Link>
        }
      >
        {body.alarms.length === 0 ? (
          <p className="muted">
            None so far. What rings is said by the <Link href={pagePaths.alarmRules}>rules</Link>.
          </p>
        ) : (
          <ul className={styles.list} aria-label="Over, the newest first">
            {body.alarms.map((alarm) => (
              <li key={alarm.alarm_id} className={styles.row}>
                <AlarmLine alarm={alarm} nowMs={serverClock.now()} />
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </div>
  );
}

interface AlarmFilterProps {
  readonly filter: AlarmQuestion;
  readonly searchRef: React.RefObject<HTMLInputElement | null>;
  readonly onFilter: (filter: Record<string, string>) => void;
}

function AlarmFilter({ filter, searchRef, onFilter }: AlarmFilterProps) {
  return (
    <FilterBar
      names={names}
      onFilter={({ from, to, ...rest }) =>
        onFilter({ ...rest, ...instantField("from", from), ...instantField("to", to) })
      }
    >
      <Labelled label="State">
        <select className={inputLook} name="state" defaultValue={filter.state ?? ""}>
          <option value="">Not over</option>
          {alarmStates.map((state) => (
            <option key={state} value={state}>
              {alarmStateWord(state)}
            </option>
          ))}
          <option value="all">All</option>
        </select>
      </Labelled>
      <Labelled label="Severity">
        <select className={inputLook} name="severity" defaultValue={filter.severity ?? ""}>
          <option value="">All</option>
          {severitiesWorstFirst.map((severity) => (
            <option key={severity} value={severity}>
              {severityWord(severity)}
            </option>
          ))}
        </select>
      </Labelled>
      <Labelled label="Device">
        <input
          ref={searchRef}
          className={inputLook}
          name="device"
          type="search"
          defaultValue={filter.device ?? ""}
          placeholder="Its id"
        />
      </Labelled>
      <Labelled label="From">
        <input className={inputLook} name="from" type="datetime-local" defaultValue={localOf(filter.from)} />
      </Labelled>
      <Labelled label="To">
        <input className={inputLook} name="to" type="datetime-local" defaultValue={localOf(filter.to)} />
      </Labelled>
    </FilterBar>
  );
}

/** What the address says, as far as it can be asked for. */
function alarmFilterOf(params: URLSearchParams): AlarmQuestion {
  const known: Readonly<Record<string, readonly string[]>> = {
    state: [...alarmStates, "all"],
    severity: severitiesWorstFirst,
  };
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = params.get(name);
      return value && (known[name]?.includes(value) ?? true) ? [[name, value]] : [];
    }),
  );
}

function alarmQuestionOf({ state = "open", device, ...rest }: AlarmQuestion): Record<string, string> {
  return { ...rest, ...(state !== "all" && { state }), ...(device !== undefined && { device_id: device }) };
}

function isUnfiltered(filter: AlarmQuestion): boolean {
  return Object.keys(filter).length === 0;
}

function listTitleOf({ state }: AlarmQuestion): string {
  if (state === undefined) return "Open, the worst first";
  return state === "all" ? "Open ones first, then the newest" : "Newest first";
}
