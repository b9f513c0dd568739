import type { IssuedLinkBody, OutstandingBody, PersonBody, RoleName } from "@wattboard/protocol";
import { useState } from "react";
import { getJson, sendJson } from "../../api/request.ts";
import { DevicePicker } from "../../domain/device-picker.tsx";
import { nameRules, roleMeaning, roleNames, roleWord } from "../../domain/rights.ts";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Choice, Choices, Field, Form } from "../../ui/field.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { OutstandingList } from "./outstanding-list.tsx";

/** A link that was made for somebody, to be handed over. */
export interface IssuedTo {
  readonly name: string;
  readonly link: IssuedLinkBody;
}

interface PersonFormProps {
  /** Null: somebody new. */
  readonly person: PersonBody | null;
  /** Told what there is to hand over, if anything. */
  readonly onDone: (issued: IssuedTo | null) => void;
}

/** Somebody's rights: to invite them, or to change what they have. */
export function PersonForm({ person, onDone }: PersonFormProps) {
  const [role, setRole] = useState<RoleName>(person?.role ?? "operator");
  const [isForAll, setForAll] = useState(person !== null && person.devices === null);
  const [devices, setDevices] = useState<ReadonlySet<string>>(new Set(person?.devices ?? []));
  /** What ends with the person, once somebody has said that they want to remove them. */
  const [outstanding, setOutstanding] = useState<OutstandingBody | null>(null);
  const given = role === "admin" || isForAll ? null : [...devices];

  const saving = useSubmit(async (form) => {
    const email = String(form.get("email")).trim();
    const rights = { role, devices: given, email: email === "" ? null : email };
    if (person !== null) {
      await sendJson("PATCH", apiPaths.person(person.name), rights);
      onDone(null);
      return;
    }
    const name = String(form.get("name"));
    const added = await sendJson<{ person: PersonBody; link: IssuedLinkBody }>("POST", apiPaths.people, {
      name,
      ...rights,
    });
    onDone({ name: added.person.name, link: added.link });
  });
  const issueLink = (name: string) =>
    saving.run(async () => onDone({ name, link: await sendJson("POST", apiPaths.personLink(name)) }));
  const askFirst = (name: string) =>
    saving.run(async () => setOutstanding(await getJson<OutstandingBody>(apiPaths.personOutstanding(name))));
  const remove = (name: string) =>
    saving.run(async () => {
      await sendJson("DELETE", apiPaths.person(name));
      onDone(null);
    });

  return (
    <Form onSubmit={saving.onSubmit}>
      {person === null && (
        <Field
          label="Name"
          name="name"
          {...nameRules}
          required
          autoFocus
          autoComplete="off"
          note="a–z, digits and . _ -"
        />
      )}
      <Field label="E-mail address (optional)" name="email" type="email" defaultValue={person?.email ?? ""} />
      <RoleChoice role={role} onChange={setRole} />
      {role !== "admin" && (
        <Choices legend="Devices">
          <Choice type="radio" name="scope" checked={isForAll} onChange={() => setForAll(true)}>
            All <span className="fine">also those that will be added</span>
          </Choice>
          <Choice type="radio" name="scope" checked={!isForAll} onChange={() => setForAll(false)}>
            Only their own <span className="fine">{devices.size} chosen; all others do not exist for them</span>
          </Choice>
          {!isForAll && <DevicePicker chosen={devices} onChange={setDevices} />}
        </Choices>
      )}
      {outstanding !== null && <OutstandingList name={person?.name ?? ""} outstanding={outstanding} />}
      <FaultLine fault={saving.fault} />
      <div className="buttons">
        <Button type="submit" tone="strong" disabled={saving.busy}>
          {person === null ? "Make the invitation" : "Save"}
        </Button>
        {person !== null && (
          <>
            <Button disabled={saving.busy} onClick={() => issueLink(person.name)}>
              New password link
            </Button>
            <ConfirmButton
              tone="bad"
              sure={`Remove ${person.name} for ever`}
              disabled={saving.busy}
              onAsk={() => askFirst(person.name)}
              onNo={() => setOutstanding(null)}
              onConfirm={() => remove(person.name)}
            >
              Remove {person.name}
            </ConfirmButton>
          </>
        )}
      </div>
    </Form>
  );
}

function RoleChoice({ role, onChange }: { readonly role: RoleName; readonly onChange: (role: RoleName) => void }) {
  return (
    <Choices legend="Role">
      {roleNames.map((each) => (
        <Choice key={each} type="radio" name="role" checked={role === each} onChange={() => onChange(each)}>
          {roleWord(each)} <span className="fine">{roleMeaning(each)}</span>
        </Choice>
      ))}
    </Choices>
  );
}
