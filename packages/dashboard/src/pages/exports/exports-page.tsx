import type { ExportBody, ExportsBody } from "@wattboard/protocol";
import { useState } from "react";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { DevicePicker } from "../../domain/device-picker.tsx";
import { AdministrationPage } from "../../frame/administration-page.tsx";
import { Waiting } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Choice, Choices, Field, Form } from "../../ui/field.tsx";
import { formatSize } from "../../ui/format-size.ts";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./exports-page.module.css";

/** `/exports`: raw samples as a file, for whoever sees the devices. */
export function ExportsPage() {
  return (
    <AdministrationPage title="Exports" isForAll>
      {() => <Exports />}
    </AdministrationPage>
  );
}

function Exports() {
  const { body, failure } = usePolled<ExportsBody>(apiPaths.exports, { everyMs: 2_000 });
  if (failure?.isRefused === true) return <RefusedNotice failure={failure} />;
  if (body === null && failure === null) return <Waiting for="the server" />;
  return (
    <>
      {failure !== null && <Notice tone="warn" title={failure.message} />}
      <div className={styles.parts}>
        <Panel title="Export samples">
          <ExportForm />
        </Panel>
        <ExportList exports={body?.exports ?? []} />
      </div>
    </>
  );
}

const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function ExportForm() {
  const [isAll, setAll] = useState(true);
  const [devices, setDevices] = useState<ReadonlySet<string>>(new Set());
  const [format, setFormat] = useState<"csv" | "parquet">("csv");
  const starting = useSubmit(async (form) => {
    const text = (name: string): string => String(form.get(name)).trim();
    const given = ["from", "to", "points"].filter((name) => text(name) !== "").map((name) => [name, text(name)]);
    const asked = new URLSearchParams(apiPaths.export({ format, time_zone: browserZone }).split("?")[1]);
    if (isAll) asked.set("all", "true");
    else for (const id of devices) asked.append("device", id);
    for (const [name, value] of given as [string, string][]) asked.set(name, value);
    if (text("from") !== "" && text("to") !== "" && text("from") >= text("to")) {
      throw new Error("It begins after it ends.");
    }
    const address = `${apiPaths.export({}).split("?")[0]}?${asked}`;
    if (address.length > addressLengthMax) throw new Error("These are too many devices at once. Take fewer, or all.");
    startDownload(address);
  });
  return (
    <Form onSubmit={starting.onSubmit}>
      <Choices legend="Devices">
        <Choice type="radio" name="scope" checked={isAll} onChange={() => setAll(true)}>
          All <span className="fine">that you may see</span>
        </Choice>
        <Choice type="radio" name="scope" checked={!isAll} onChange={() => setAll(false)}>
          Only some <span className="fine">{devices.size} chosen</span>
        </Choice>
        {!isAll && <DevicePicker chosen={devices} onChange={setDevices} />}
      </Choices>
      <div className={styles.range}>
        <Field label="From" name="from" type="date" />
        <Field label="Until before" name="to" type="date" />
      </div>
      <p className="fine">Days begin in {browserZone.replaceAll("_", " ")}; left empty: everything.</p>
      <Field
        label="Points"
        name="points"
        maxLength={2_000}
        placeholder="grid.power, battery.soc"
        note="With commas between them; left empty: all."
      />
      <Choices legend="Format">
        <Choice type="radio" name="format" checked={format === "csv"} onChange={() => setFormat("csv")}>
          CSV <span className="fine">for tables and other programs</span>
        </Choice>
        <Choice type="radio" name="format" checked={format === "parquet"} onChange={() => setFormat("parquet")}>
          Parquet <span className="fine">smaller, for analysis</span>
        </Choice>
      </Choices>
      <FaultLine fault={starting.fault} />
      <Button type="submit" tone="strong" disabled={starting.busy || (!isAll && devices.size === 0)}>
        Export
      </Button>
    </Form>
  );
}

/** A longer one the server does not read. */
const addressLengthMax = 6_000;

/** Has the browser fetch a file by itself, so that it may be larger than its memory. */
function startDownload(path: string): void {
  const link = document.createElement("a");
  link.href = path;
  link.download = "";
  link.click();
}

function ExportList({ exports: found }: { readonly exports: ExportsBody["exports"] }) {
  return (
    <Panel title="Under way, and before">
      {found.length === 0 && (
        <p className="muted">None since the server started. The browser keeps the file where it keeps downloads.</p>
      )}
      {found.length > 0 && (
        <table className={list.list}>
          <thead>
            <tr>
              <th>Begun</th>
              <th>Of</th>
              <th>So far</th>
              <th>How it stands</th>
            </tr>
          </thead>
          <tbody>
            {found.map((each) => (
              <ExportRow key={`${each.by} ${each.started_at} ${each.device_id}`} export={each} />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

const outcomeWords: Readonly<Record<ExportBody["outcome"], string>> = {
  running: "under way",
  done: "done",
  left: "broken off by whoever asked",
  failed: "failed; try again",
};

function ExportRow({ export: each }: { readonly export: ExportBody }) {
  const { by, devices, device_id, format, from, to, started_at, bytes, outcome, left_out } = each;
  const nowMs = serverClock.now();
  const isOdd = outcome === "left" || outcome === "failed";
  return (
    <tr>
      <td>
        <time dateTime={started_at}>{formatInstant(Date.parse(started_at), nowMs)}</time>
        <span className={list.sub}>{by.replace(/^person /, "")}</span>
      </td>
      <td data-label="Of">
        {device_id ?? `${devices} devices`}, {format}
        <span className={list.sub}>
          {from === null ? "from the first sample" : `from ${from.slice(0, 10)}`}
          {Date.parse(to) < nowMs ? ` to ${to.slice(0, 10)}` : ""}
        </span>
      </td>
      <td data-label="So far">{formatSize(bytes)}</td>
      <td data-label="How it stands" className={isOdd ? "warn" : undefined}>
        {outcomeWords[outcome]}
        {left_out !== "" && <span className="warn">, without {left_out}</span>}
      </td>
    </tr>
  );
}
