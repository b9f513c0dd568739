import { type AuditBody, paths } from "@wattboard/protocol";
import { type FormEvent, useEffect, useState } from "react";
import { useSearchParams } from "wouter";
import { getJson, RequestFailed } from "../../api/get-json.ts";
import { RefusedNotice } from "../../parts/refused-notice.tsx";
import { TopBar } from "../../parts/top-bar.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { useTitle } from "../../ui/use-title.ts";

interface AuditPageBody {
  readonly audit: readonly AuditBody[];
  readonly next_cursor: string | null;
}

const filters = [
  ["device", "Device"],
  ["who", "Who"],
  ["action", "Action"],
] as const;

/** `/audit`: who did what, newest first. The filter stands in the address, so that it can be shared. */
export function AuditPage() {
  useTitle("Audit · Wattboard");
  const [params, setParams] = useSearchParams();
  const query = new URLSearchParams(
    filters.map(([name]) => [name, params.get(name) ?? ""]).filter(([, value]) => value !== "") as [string, string][],
  ).toString();
  const [rows, setRows] = useState<readonly AuditBody[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [failure, setFailure] = useState<RequestFailed | null>(null);
  const [report, setReport] = useState<string | null>(null);
  const verifying = useSubmit();

  const load = async (from: string | null, signal: AbortSignal) => {
    try {
      const at = from === null ? "" : `&cursor=${from}`;
      const { body } = await getJson<AuditPageBody>(`${paths.api}/audit?limit=50${at}&${query}`, signal);
      setRows((before) => (from === null ? body.audit : [...(before ?? []), ...body.audit]));
      setCursor(body.next_cursor);
      setFailure(null);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RequestFailed)) throw error;
      setFailure(error);
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the filter alone says what to load.
  useEffect(() => {
    const stop = new AbortController();
    void load(null, stop.signal);
    return () => stop.abort();
  }, [query]);

  const verify = () =>
    verifying.run(async () => {
      const { body } = await getJson<{ whole: boolean; fault: string | null; rows: number }>(
        `${paths.api}/audit/verify`,
        AbortSignal.timeout(60_000),
      );
      setReport(body.whole ? `The chain of all ${body.rows} rows is whole.` : `The chain is broken: ${body.fault}.`);
    });
  const filter = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const given = filters.map(([name]) => [name, String(form.get(name)).trim()]).filter(([, value]) => value !== "");
    setParams(new URLSearchParams(given as [string, string][]));
  };

  return (
    <>
      <TopBar />
      <main id="content" className="page">
        <div className="page-head">
          <h1 className="page-title">Audit</h1>
          {rows !== null && (
            <div className="buttons">
              <button type="button" className="button" disabled={verifying.busy} onClick={verify}>
                Check the chain
              </button>
              <a className="button" href={`${paths.api}/audit/export?format=csv&${query}`} download>
                CSV
              </a>
            </div>
          )}
        </div>
        {failure?.isRefused === true && <RefusedNotice failure={failure} />}
        {failure !== null && !failure.isRefused && <Notice tone="warn" title={failure.message} />}
        {verifying.fault !== null && <Notice tone="warn" title={verifying.fault} />}
        {report !== null && <Notice tone="info" icon="clock" title={report} />}
        {rows !== null && (
          <>
            <form className="filter-line" onSubmit={filter} key={query}>
              {filters.map(([name, label]) => (
                <input
                  key={name}
                  className="input"
                  name={name}
                  type="search"
                  placeholder={label}
                  aria-label={label}
                  defaultValue={params.get(name) ?? ""}
                />
              ))}
              <button type="submit" className="button">
                Filter
              </button>
            </form>
            <Panel title="Newest first">
              {rows.length === 0 ? (
                <p className="muted">Nothing fits.</p>
              ) : (
                <table className="list">
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
              )}
              {cursor !== null && (
                <button type="button" className="button" onClick={() => void load(cursor, AbortSignal.timeout(10_000))}>
                  Older
                </button>
              )}
            </Panel>
          </>
        )}
      </main>
    </>
  );
}

function AuditRow({ row }: { readonly row: AuditBody }) {
  const detail = JSON.stringify(row.detail);
  return (
    <tr>
      <td>
        <time dateTime={row.at}>{formatInstant(Date.parse(row.at), Date.now())}</time>
      </td>
      <td data-label="Who">
        {row.who}
        {row.address !== "" && <span className="list-sub">from {row.address}</span>}
      </td>
      <td data-label="What">
        <code>{row.action}</code>
      </td>
      <td data-label="Whom or which">
        {[row.device_id, row.target].filter((each) => each !== null).join(", ")}
        {detail !== "{}" && <span className="list-sub list-detail">{detail}</span>}
      </td>
      <td data-label="Outcome" className={row.outcome === "done" ? undefined : "warn"}>
        {row.outcome}
      </td>
    </tr>
  );
}
