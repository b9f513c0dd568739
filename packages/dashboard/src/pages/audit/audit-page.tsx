import { useInfiniteQuery } from "@tanstack/react-query";
import type { AuditBody } from "@wattboard/protocol";
import { type FormEvent, useState } from "react";
import { useSearchParams } from "wouter";
import { getJson, type RequestFailed } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { AdministrationNav } from "../../frame/administration-page.tsx";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths } from "../../paths.ts";
import { Button, buttonLook } from "../../ui/button.tsx";
import { inputLook } from "../../ui/field.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./audit-page.module.css";

interface AuditPageBody {
  readonly audit: readonly AuditBody[];
  readonly next_cursor: string | null;
}

const filters = [
  ["device", "Device"],
  ["who", "Who"],
  ["action", "Action"],
] as const;
const rowsAPage = 50;

/** `/audit`: who did what, newest first. The filter stands in the address, so that it can be shared. */
export function AuditPage() {
  const [params, setParams] = useSearchParams();
  const filter = given((name) => params.get(name));
  const { rows, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useAuditRows(filter);

  const [report, setReport] = useState<string | null>(null);
  const verifying = useSubmit();
  const verify = () =>
    verifying.run(async () => {
      const chain = await getJson<{ whole: boolean; fault: string | null; rows: number }>(apiPaths.verifyAudit);
      const all = formatNumber(chain.rows, 0);
      setReport(chain.whole ? `The chain of all ${all} rows is whole.` : `The chain is broken: ${chain.fault}.`);
    });

  return (
    <Page
      title="Audit"
      heading="Audit"
      nav={<AdministrationNav />}
      aside={
        rows !== undefined && (
          <div className="buttons">
            <Button disabled={verifying.busy} onClick={verify}>
              Check the chain
            </Button>
            <a {...buttonLook} href={apiPaths.auditExport(filter)} download>
              CSV
            </a>
          </div>
        )
      }
    >
      {error?.isRefused === true && <RefusedNotice failure={error} />}
      {error?.isRefused === false && <Notice tone="warn" title={error.message} />}
      {verifying.fault !== null && <Notice tone="warn" title={verifying.fault} />}
      {report !== null && <Notice tone="info" icon="clock" title={report} />}
      {rows !== undefined && (
        <>
          <FilterForm key={params.toString()} filter={filter} onFilter={setParams} />
          <Panel title="Newest first">
            {rows.length === 0 ? <p className="muted">Nothing fits.</p> : <AuditTable rows={rows} />}
            {hasNextPage && (
              <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                Older
              </Button>
            )}
          </Panel>
        </>
      )}
    </Page>
  );
}

function useAuditRows(filter: Readonly<Record<string, string>>) {
  const { data, ...query } = useInfiniteQuery<AuditPageBody, RequestFailed>({
    queryKey: [apiPaths.audit({ limit: rowsAPage, ...filter })],
    queryFn: ({ pageParam, signal }) => {
      const cursor = pageParam === null ? {} : { cursor: String(pageParam) };
      return getJson<AuditPageBody>(apiPaths.audit({ limit: rowsAPage, ...filter, ...cursor }), signal);
    },
    initialPageParam: null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    // The chain only grows, and what was read stays where it is.
    refetchOnWindowFocus: false,
  });
  return { ...query, rows: data?.pages.flatMap(({ audit }) => audit) };
}

interface FilterFormProps {
  readonly filter: Readonly<Record<string, string>>;
  readonly onFilter: (filter: Record<string, string>) => void;
}

function FilterForm({ filter, onFilter }: FilterFormProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onFilter(given((name) => String(form.get(name)).trim()));
  };
  return (
    <form className={styles.filter} onSubmit={submit}>
      {filters.map(([name, label]) => (
        <input
          key={name}
          className={inputLook}
          name={name}
          type="search"
          placeholder={label}
          aria-label={label}
          defaultValue={filter[name] ?? ""}
        />
      ))}
      <Button type="submit">Filter</Button>
    </form>
  );
}

/** The filters that say something. */
function given(read: (name: string) => string | null): Record<string, string> {
  const entries = filters.map(([name]) => [name, read(name) ?? ""] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

function AuditTable({ rows }: { readonly rows: readonly AuditBody[] }) {
  return (
    <table className={list.list}>
      <thead>
        <tr>
          <th>When</th>
          <th>Who</th>
          <th>What</th>
          <th>Whom or which</th>
          <th>Outcome</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <AuditRow key={row.seq} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function AuditRow({ row }: { readonly row: AuditBody }) {
  const detail = JSON.stringify(row.detail);
  return (
    <tr>
      <td>
        <time dateTime={row.at}>{formatInstant(Date.parse(row.at), serverClock.now())}</time>
      </td>
      <td data-label="Who">
        {row.who}
        {row.address !== "" && <span className={list.sub}>from {row.address}</span>}
      </td>
      <td data-label="What">
        <code>{row.action}</code>
      </td>
      <td data-label="Whom or which">
        {[row.device_id, row.target].filter((each) => each !== null).join(", ")}
        {detail !== "{}" && <code className={list.sub}>{detail}</code>}
      </td>
      <td data-label="Outcome" className={row.outcome === "done" ? undefined : "warn"}>
        {row.outcome}
      </td>
    </tr>
  );
}
