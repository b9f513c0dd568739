import type { EventBody, EventsBody } from "@wattboard/protocol";
import { Link, useSearchParams } from "wouter";
import { serverClock } from "../../api/server-clock.ts";
import { usePages } from "../../api/use-pages.ts";
import { eventGroups, eventKinds, eventWords } from "../../domain/event-words.ts";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { inputLook, Labelled } from "../../ui/field.tsx";
import { FilterBar } from "../../ui/filter-bar.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { instantField, localOf } from "../../ui/local-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import styles from "./events-page.module.css";

const names = ["kind", "device", "from", "to"] as const;
type EventQuestion = Partial<Record<(typeof names)[number], string>>;
const rowsAPage = 100;
const everyMs = 5_000;

/** `/events`: everything that the server has told of, newest first. The filter stands in the address. */
export function EventsPage() {
  const [params, setParams] = useSearchParams();
  const filter = eventFilterOf(params);
  const { pages, failure, isLate, more, isLoadingMore } = usePages<EventsBody>(
    (given) => apiPaths.events({ ...eventQuestionOf(filter), limit: rowsAPage, ...given }),
    { everyMs },
  );
  const events = pages?.flatMap((page) => page.events) ?? [];
  return (
    <Page title="Events" heading="Events" aside={<Link href={pagePaths.alarms()}>Alarms</Link>}>
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure?.isRefused === false && <Notice tone="warn" title={failure.message} />}
      {pages !== null && (
        <>
          <EventFilter key={params.toString()} filter={filter} onFilter={(given) => setParams(given)} />
          {pages.some(({ complete }) => !complete) && (
            <Notice
              tone="warn"
              title="The store does not answer: these are the newest events since the server started."
            />
          )}
          <Panel title="Newest first" isBusy={isLate}>
            {events.length === 0 ? <p className="muted">Nothing fits.</p> : <EventTable events={events} />}
            {more !== null && (
              <Button disabled={isLoadingMore} onClick={more}>
                Older
              </Button>
            )}
          </Panel>
        </>
      )}
    </Page>
  );
}

function EventTable({ events }: { readonly events: readonly EventBody[] }) {
  const nowMs = serverClock.now();
  return (
    <table className={list.list}>
      <thead>
        <tr>
          <th>When</th>
          <th>What</th>
          <th>Device</th>
          <th>In words</th>
        </tr>
      </thead>
      <tbody>
        {events.map(({ at, kind, device_id, message }, row) => {
          const { label, tone, group } = eventWords(kind);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: events have no id, and two of the same instant may read the same.
            <tr key={`${at} ${kind} ${device_id} ${row}`} data-tone={tone} className={styles.row}>
              <td>
                <time dateTime={at}>{formatInstant(Date.parse(at), nowMs)}</time>
              </td>
              <td>
                <span className={styles.kind} data-tone={tone}>
                  {label}
                </span>
              </td>
              <td data-label="Device" className={styles.device}>
                {device_id === null ? (
                  <span className="muted">{group === "Server" ? "the server" : "several"}</span>
                ) : (
                  <Link href={pagePaths.device(device_id)}>{device_id}</Link>
                )}
              </td>
              <td>{message}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface EventFilterProps {
  readonly filter: EventQuestion;
  readonly onFilter: (filter: Record<string, string>) => void;
}

function EventFilter({ filter, onFilter }: EventFilterProps) {
  return (
    <FilterBar
      names={names}
      onFilter={({ from, to, ...rest }) =>
        onFilter({ ...rest, ...instantField("from", from), ...instantField("to", to) })
      }
    >
      <Labelled label="What">
        <select className={inputLook} name="kind" defaultValue={filter.kind ?? ""}>
          <option value="">Everything</option>
          {eventGroups.map((group) => (
            <optgroup key={group} label={group}>
              {Object.entries(eventKinds)
                .filter(([, words]) => words.group === group)
                .map(([kind, { label }]) => (
                  <option key={kind} value={kind}>
                    {label}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
      </Labelled>
      <Labelled label="Device">
        <input
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

function eventFilterOf(params: URLSearchParams): EventQuestion {
  return Object.fromEntries(names.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : [])));
}

function eventQuestionOf({ device, ...rest }: EventQuestion): Record<string, string> {
  return { ...rest, ...(device !== undefined && { device_id: device }) };
}
