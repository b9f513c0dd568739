import type { ProvisionedBody } from "@wattboard/protocol";
import { useState } from "react";
import { Link } from "wouter";
import { sendJson } from "../../api/request.ts";
import { readRegistration } from "../../domain/registration-fields.ts";
import { RegistrationInputs } from "../../domain/registration-inputs.tsx";
import { AdministrationPage } from "../../frame/administration-page.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Field, Form } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./add-device-page.module.css";
import { AddedDevice } from "./added-device.tsx";

/** For the field in which a device gets its id: the browser says what is wrong before the server has to. */
const idRules = {
  pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,63}",
  title: "1 to 64 of A–Z, a–z, 0–9 and _ . -, first a letter or a digit",
  autoCapitalize: "none",
  spellCheck: false,
} as const;

const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A device that was registered, and what was said of it, to say it again. */
interface Added {
  readonly provisioned: ProvisionedBody;
  readonly request: object;
}

/** `/add-device`: registers a device, shows its token this once, and waits with whoever connects it. */
export function AddDevicePage() {
  const [added, setAdded] = useState<Added | null>(null);
  return (
    <AdministrationPage title={added === null ? "Add a device" : `${added.provisioned.device_id} is registered`}>
      {() =>
        added === null ? (
          <AddForm onAdded={setAdded} />
        ) : (
          <AddedDevice key={added.provisioned.token} {...added} onAgain={setAdded} onNext={() => setAdded(null)} />
        )
      }
    </AdministrationPage>
  );
}

function AddForm({ onAdded }: { readonly onAdded: (added: Added) => void }) {
  const adding = useSubmit(async (form) => {
    const { name, properties } = readRegistration(form);
    const request = {
      device_id: String(form.get("device_id")).trim(),
      ...(name !== "" && { name }),
      properties,
    };
    onAdded({ provisioned: await sendJson<ProvisionedBody>("POST", apiPaths.devices, request), request });
  });
  return (
    <div className={styles.form}>
      <Panel title="One device" aside={<Link href={pagePaths.addDevices}>Many at once, from a CSV file</Link>}>
        <Form onSubmit={adding.onSubmit}>
          <Field
            label="Id"
            name="device_id"
            {...idRules}
            required
            autoFocus
            autoComplete="off"
            placeholder="ems_001"
            note="The device sends it with each message. It stays."
          />
          <RegistrationInputs name="" properties={{ time_zone: browserZone }} />
          <FaultLine fault={adding.fault} />
          <Button type="submit" tone="strong" disabled={adding.busy}>
            Add the device
          </Button>
        </Form>
      </Panel>
    </div>
  );
}
