import type { MaintenanceWindowsBody } from "@wattboard/protocol";
import { describeDevices } from "@wattboard/protocol";
import { useSearchParams } from "wouter";
import { useMe } from "../../api/me.ts";
import { queryClient } from "../../api/query-client.ts";
import { sendJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { AdministrationNav } from "../../frame/administration-page.tsx";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Field, Form } from "../../ui/field.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Tag } from "../../ui/tag.tsx";
import { useSubmit } from "../../ui/use-submit.ts";

const hourMs = 3_600_000;
const split = (text: FormDataEntryValue | null): string[] =>
  String(text ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

/** `/maintenance`: times in which nobody is told of some devices. */
export function MaintenancePage() {
  const me = useMe();
  const mayBegin = me?.kind === "person" && me.role !== "viewer";
  const path = apiPaths.maintenanceWindows();
  const { body, failure } = usePolled<MaintenanceWindowsBody>(path, { everyMs: 10_000 });
  const changed = () => void queryClient.invalidateQueries({ queryKey: [path] });
  return (
    <Page title="Maintenance" heading="Maintenance" nav={<AdministrationNav />}>
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure !== null && !failure.isRefused && <Notice tone="warn" title={failure.message} />}
      <div className="stack">
        {mayBegin && (
          <Panel title="Begin one">
            <BeginForm onBegun={changed} />
          </Panel>
        )}
        {body !== null && (
          <Panel title="Now and to come">
            <WindowList windows={body.windows} mayEnd={mayBegin} onEnded={changed} />
          </Panel>
        )}
      </div>
    </Page>
  );
}

function BeginForm({ onBegun }: { readonly onBegun: () => void }) {
  const [given] = useSearchParams();
  const beginning = useSubmit(async (form) => {
    const until = new Date(serverClock.now() + Number(form.get("hours")) * hourMs).toISOString();
    await sendJson("POST", apiPaths.maintenanceWindows(), {
      device_ids: split(form.get("devices")),
      where: split(form.get("where")),
      note: String(form.get("note")),
      until,
    });
    onBegun();
  });
  return (
    <Form onSubmit={beginning.onSubmit}>
      <p>
        Nobody is told of these devices meanwhile. Their alarms are recorded; what still holds at the end is told then.
      </p>
      <Field label="Devices" name="devices" defaultValue={given.get("device") ?? ""} placeholder="ems_001, ems_002" />
      <Field
        label="Or all where"
        name="where"
        placeholder="properties.site = Uppsala"
        note="Conditions as in the filters of the fleet, with commas between them."
      />
      <Field
        label="For how long, in hours"
        name="hours"
        type="number"
        min={0.25}
        max={720}
        step={0.25}
        required
        defaultValue={2}
      />
      <Field label="Why" name="note" maxLength={1_000} placeholder="New inverter" />
      <FaultLine fault={beginning.fault} />
      <Button type="submit" tone="strong" disabled={beginning.busy}>
        Begin
      </Button>
    </Form>
  );
}

interface WindowListProps {
  readonly windows: MaintenanceWindowsBody["windows"];
  readonly mayEnd: boolean;
  readonly onEnded: () => void;
}

function WindowList({ windows, mayEnd, onEnded }: WindowListProps) {
  const ending = useSubmit();
  const nowMs = serverClock.now();
  const end = (windowId: string) =>
    ending.run(async () => {
      await sendJson("POST", apiPaths.endMaintenance(windowId));
      onEnded();
    });
  if (windows.length === 0) return <p className="muted">Nothing is in maintenance, and nothing is planned.</p>;
  return (
    <>
      <FaultLine fault={ending.fault} />
      <table className={list.list}>
        <thead>
          <tr>
            <th>Devices</th>
            <th>From</th>
            <th>Until</th>
            <th>Why</th>
            <th>
              <span className="sr-only">End</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {windows.map((each) => (
            <tr key={each.window_id}>
              <td>
                {each.where.length > 0
                  ? `all where ${each.where.join(" and ")}`
                  : describeDevices([...each.device_ids])}
                {each.device_ids.length > 1 && (
                  <span className={list.sub}>{each.device_ids.slice(0, 5).join(", ")}</span>
                )}
                {each.is_active && <Tag tone="warn">now</Tag>}
              </td>
              <td data-label="From">{formatInstant(Date.parse(each.from), nowMs)}</td>
              <td data-label="Until">{formatInstant(Date.parse(each.until), nowMs)}</td>
              <td data-label="Why">
                {each.note}
                <span className={list.sub}>{each.created_by}</span>
              </td>
              <td className={list.end}>
                {mayEnd && (
                  <ConfirmButton sure="End it now" disabled={ending.busy} onConfirm={() => end(each.window_id)}>
                    End
                  </ConfirmButton>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
