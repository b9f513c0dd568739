import { type IssuedLinkBody, type OutstandingBody, type PersonBody, paths, type RoleName } from "@wattboard/protocol";
import { useState } from "react";
import { getJson } from "../../api/get-json.ts";
import { sendJson } from "../../api/send-json.ts";
import { usePolled } from "../../api/use-polled.ts";
import { FaultLine } from "../../parts/fault-line.tsx";
import { roleMeaning, roleNames, roleWord } from "../../parts/rights.ts";
import { Field } from "../../ui/field.tsx";
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
  const path = `${paths.api}/people`;
  const ownPath = `${path}/${encodeURIComponent(person?.name ?? "")}`;

  const saving = useSubmit(async (form) => {
    const email = String(form.get("email")).trim();
    const rights = { role, devices: given, email: email === "" ? null : email };
    if (person !== null) {
      await sendJson("PATCH", ownPath, rights);
      onDone(null);
      return;
    }
    const name = String(form.get("name"));
    const added = await sendJson<{ person: PersonBody; link: IssuedLinkBody }>("POST", path, { name, ...rights });
    onDone({ name: added.person.name, link: added.link });
  });
  const issueLink = () =>
    saving.run(async () => onDone({ name: person?.name ?? "", link: await sendJson("POST", `${ownPath}/link`) }));
  const askFirst = () =>
    saving.run(async () =>
      setOutstanding((await getJson<OutstandingBody>(`${ownPath}/outstanding`, AbortSignal.timeout(30_000))).body),
    );
  const remove = () =>
    saving.run(async () => {
      await sendJson("DELETE", ownPath);
      onDone(null);
    });

  return (
    <form className="form" onSubmit={saving.onSubmit}>
      {person === null && (
        <Field label="Name" name="name" required autoFocus autoComplete="off" note="a–z, digits and . _ -" />
      )}
      <Field label="E-mail address (optional)" name="email" type="email" defaultValue={person?.email ?? ""} />
      <fieldset className="choices">
        <legend className="field-label">Role</legend>
        {roleNames.map((each) => (
          <label key={each} className="choice">
            <input type="radio" name="role" checked={role === each} onChange={() => setRole(each)} />
            <span>
              {roleWord(each)} <span className="fine">{roleMeaning(each)}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {role !== "admin" && (
        <fieldset className="choices">
          <legend className="field-label">Devices</legend>
          <label className="choice">
            <input type="radio" name="scope" checked={isForAll} onChange={() => setForAll(true)} />
            <span>
              All <span className="fine">also those that will be added</span>
            </span>
          </label>
          <label className="choice">
            <input type="radio" name="scope" checked={!isForAll} onChange={() => setForAll(false)} />
            <span>
              Only their own <span className="fine">{devices.size} chosen; all others do not exist for them</span>
            </span>
          </label>
          {!isForAll && <DevicePicker chosen={devices} onChange={setDevices} />}
        </fieldset>
      )}
      {outstanding !== null && <OutstandingList name={person?.name ?? ""} outstanding={outstanding} />}
      <FaultLine fault={saving.fault} />
      <div className="buttons">
        <button type="submit" className="button button-strong" disabled={saving.busy}>
          {person === null ? "Make the invitation" : "Save"}
        </button>
        {person !== null && (
          <>
            <button type="button" className="button" disabled={saving.busy} onClick={issueLink}>
              New password link
            </button>
            <button
              type="button"
              className="button button-bad"
              disabled={saving.busy}
              onClick={outstanding === null ? askFirst : remove}
            >
              {outstanding === null ? `Remove ${person.name}` : `Yes, remove ${person.name}`}
            </button>
          </>
        )}
      </div>
    </form>
  );
}

/** More are found by typing. */
const shownMax = 50;

interface DevicePickerProps {
  readonly chosen: ReadonlySet<string>;
  readonly onChange: (chosen: ReadonlySet<string>) => void;
}

function DevicePicker({ chosen, onChange }: DevicePickerProps) {
  const [text, setText] = useState("");
  const { body } = usePolled<{ devices: { device_id: string; name: string }[] }>(`${paths.api}/devices`, {
    everyMs: 60_000,
  });
  const wanted = text.trim().toLowerCase();
  const fitting = (body?.devices ?? []).filter(({ device_id, name }) =>
    `${device_id} ${name}`.toLowerCase().includes(wanted),
  );
  // What is chosen stands first, so that it is seen however many there are.
  const shown = fitting
    .sort((a, b) => Number(chosen.has(b.device_id)) - Number(chosen.has(a.device_id)))
    .slice(0, shownMax);
  const toggle = (deviceId: string) => {
    const next = new Set(chosen);
    if (!next.delete(deviceId)) next.add(deviceId);
    onChange(next);
  };
  return (
    <div className="picker">
      <input
        className="input"
        type="search"
        placeholder="Find a device"
        aria-label="Find a device"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <ul className="picker-list">
        {shown.map(({ device_id, name }) => (
          <li key={device_id}>
            <label className="choice">
              <input type="checkbox" checked={chosen.has(device_id)} onChange={() => toggle(device_id)} />
              <span>
                {name} <code className="muted">{device_id}</code>
              </span>
            </label>
          </li>
        ))}
      </ul>
      {fitting.length > shown.length && (
        <p className="fine">{fitting.length - shown.length} more; type to find them.</p>
      )}
      {body !== null && fitting.length === 0 && <p className="fine">No device fits.</p>}
    </div>
  );
}
