import type { RoleName } from "@wattboard/protocol";
import { useState } from "react";
import { sendJson } from "../../api/request.ts";
import { DevicePicker } from "../../domain/device-picker.tsx";
import { roleMeaning, roleNames, roleWord } from "../../domain/rights.ts";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Choice, Choices, Field, Form, inputLook, Labelled } from "../../ui/field.tsx";
import { useSubmit } from "../../ui/use-submit.ts";

/** A token with its secret, which is known only now. */
export interface NewApiToken {
  readonly name: string;
  readonly token: string;
}

const dayMs = 86_400_000;
const times: readonly [label: string, ms: number][] = [
  ["a day", dayMs],
  ["30 days", 30 * dayMs],
  ["90 days", 90 * dayMs],
  ["a year", 365 * dayMs],
  ["ever", 0],
];

export function ApiTokenForm({ onMade }: { readonly onMade: (made: NewApiToken) => void }) {
  const [role, setRole] = useState<RoleName>("viewer");
  const [isForAll, setForAll] = useState(true);
  const [devices, setDevices] = useState<ReadonlySet<string>>(new Set());
  const isForSome = role !== "admin" && !isForAll;
  const making = useSubmit(async (form) => {
    const ttlMs = Number(form.get("ttl"));
    const body = {
      name: String(form.get("name")).trim(),
      role,
      ...(ttlMs > 0 && { ttl_ms: ttlMs }),
      ...(isForSome && { devices: [...devices] }),
    };
    onMade(await sendJson<NewApiToken>("POST", apiPaths.apiTokens, body));
  });
  return (
    <Form onSubmit={making.onSubmit}>
      <Field label="Name" name="name" required autoFocus autoComplete="off" maxLength={120} note="What it is for." />
      <Choices legend="Role">
        {roleNames.map((each) => (
          <Choice key={each} type="radio" name="role" checked={role === each} onChange={() => setRole(each)}>
            {roleWord(each)} <span className="fine">{roleMeaning(each)}</span>
          </Choice>
        ))}
      </Choices>
      {role !== "admin" && (
        <Choices legend="Devices">
          <Choice type="radio" name="scope" checked={isForAll} onChange={() => setForAll(true)}>
            All <span className="fine">also those that will be added</span>
          </Choice>
          <Choice type="radio" name="scope" checked={!isForAll} onChange={() => setForAll(false)}>
            Only some <span className="fine">{devices.size} chosen; all others do not exist for it</span>
          </Choice>
          {!isForAll && <DevicePicker chosen={devices} onChange={setDevices} />}
        </Choices>
      )}
      <Labelled label="Valid for">
        <select className={inputLook} name="ttl" defaultValue={90 * dayMs}>
          {times.map(([label, ms]) => (
            <option key={ms} value={ms}>
              {label}
            </option>
          ))}
        </select>
      </Labelled>
      <FaultLine fault={making.fault} />
      <Button type="submit" tone="strong" disabled={making.busy || (isForSome && devices.size === 0)}>
        Make the token
      </Button>
    </Form>
  );
}
