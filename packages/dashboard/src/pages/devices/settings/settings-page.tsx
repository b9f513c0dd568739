import { type DeviceBody, type DeviceDetail, isOfSmartOs } from "@wattboard/protocol";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { queryClient } from "../../../api/query-client.ts";
import { sendJson } from "../../../api/request.ts";
import { usePolled } from "../../../api/use-polled.ts";
import { Labels } from "../../../domain/labels.tsx";
import { changesOf, readRegistration } from "../../../domain/registration-fields.ts";
import { RegistrationInputs } from "../../../domain/registration-inputs.tsx";
import { AdministrationPage } from "../../../frame/administration-page.tsx";
import { Waiting } from "../../../frame/page.tsx";
import { apiPaths, pagePaths } from "../../../paths.ts";
import { Button } from "../../../ui/button.tsx";
import { ConfirmButton } from "../../../ui/confirm-button.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { Form } from "../../../ui/field.tsx";
import { Icon } from "../../../ui/icon.tsx";
import { Notice } from "../../../ui/notice.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";
import styles from "./settings-page.module.css";
import { TokenPanel } from "./token-panel.tsx";

/** `/devices/:id/settings`: what is known of a device, its token, and its end. Mounted anew for each device. */
export function DeviceSettingsPage({ deviceId }: { readonly deviceId: string }) {
  return (
    <AdministrationPage title={`Settings of ${deviceId}`}>
      {() => <DeviceSettings deviceId={deviceId} />}
    </AdministrationPage>
  );
}

function DeviceSettings({ deviceId }: { readonly deviceId: string }) {
  const { body: detail, failure } = usePolled<DeviceDetail>(apiPaths.device(deviceId), { everyMs: 4_000 });
  if (detail === null) {
    if (failure === null) return <Waiting for={deviceId} />;
    return (
      <Notice tone="warn" title={failure.status === 404 ? `No device is called ${deviceId}.` : failure.message}>
        <p>
          <Link href={pagePaths.devices}>All devices</Link>
        </p>
      </Notice>
    );
  }
  return (
    <>
      <p className={styles.ways}>
        <Link href={pagePaths.device(deviceId)}>
          <Icon name="left" /> {detail.name || deviceId}, live
        </Link>
      </p>
      <div className={styles.parts}>
        <Panel title="What is known of it">
          <EditForm key={deviceId} detail={detail} />
        </Panel>
        <div className="stack">
          <TokenPanel detail={detail} />
          <Panel title="Its label">
            <div className={styles.act}>
              <Labels deviceIds={[deviceId]} />
            </div>
          </Panel>
          <RemovePanel detail={detail} />
        </div>
      </div>
    </>
  );
}

/** The form keeps what was there when it was opened; only what somebody changes in it is sent. */
function EditForm({ detail }: { readonly detail: DeviceDetail }) {
  const [before, setBefore] = useState<Pick<DeviceBody, "name" | "properties">>(detail);
  const [isSaved, setSaved] = useState(false);
  const saving = useSubmit(async (form) => {
    setSaved(false);
    const { name, properties } = readRegistration(form);
    const changed = await sendJson<DeviceBody>("PATCH", apiPaths.device(detail.device_id), {
      name: name === "" ? detail.device_id : name,
      properties: changesOf(before.properties, properties),
    });
    setBefore(changed);
    setSaved(true);
    await queryClient.invalidateQueries({ queryKey: [apiPaths.device(detail.device_id)] });
  });
  return (
    <Form onSubmit={saving.onSubmit} onChange={() => setSaved(false)}>
      <RegistrationInputs name={before.name} properties={before.properties} />
      <p className="fine">
        What the device says of itself can be put otherwise here; emptied, it is as the device says.
      </p>
      <FaultLine fault={saving.fault} />
      <div className="buttons">
        <Button type="submit" tone="strong" disabled={saving.busy}>
          Save
        </Button>
        <span role="status">{isSaved && "Saved."}</span>
      </div>
    </Form>
  );
}

function RemovePanel({ detail: { device_id: deviceId, properties } }: { readonly detail: DeviceDetail }) {
  const [, navigate] = useLocation();
  const removing = useSubmit();
  const remove = () =>
    removing.run(async () => {
      await sendJson("DELETE", apiPaths.device(deviceId));
      navigate(pagePaths.devices);
    });
  return (
    <Panel title="Remove it">
      <div className={styles.act}>
        <p>
          Its connection ends, and nobody sees it any more. What it sent stays in the store and is not shown; a device
          of this id that is added later begins anew.
          {isOfSmartOs(properties) && " A SolMate asks to be let in again with its next message."}
        </p>
        <FaultLine fault={removing.fault} />
        <div className="buttons">
          <ConfirmButton
            tone="bad"
            sure={`Remove ${deviceId}`}
            typed={deviceId}
            disabled={removing.busy}
            onConfirm={remove}
          >
            Remove
          </ConfirmButton>
        </div>
      </div>
    </Panel>
  );
}
