import type { PersonBody } from "@wattboard/protocol";
import { describeDevices } from "@wattboard/protocol";
import { useState } from "react";
import { queryClient } from "../../api/query-client.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { roleWord } from "../../domain/rights.ts";
import { AdministrationNav } from "../../frame/administration-page.tsx";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths, serverUrl } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { CopyLine } from "../../ui/copy-line.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Tag } from "../../ui/tag.tsx";
import { type IssuedTo, PersonForm } from "./person-form.tsx";

type Opened = { readonly kind: "new" } | { readonly kind: "change"; readonly person: PersonBody };

/** `/people`: who may sign in, what they may do, and with which devices. */
export function PeoplePage() {
  const [opened, setOpened] = useState<Opened | null>(null);
  const [issued, setIssued] = useState<IssuedTo | null>(null);
  const { body, failure } = usePolled<{ people: PersonBody[] }>(apiPaths.people, { everyMs: 10_000 });
  const done = (link: IssuedTo | null) => {
    setOpened(null);
    setIssued(link);
    void queryClient.invalidateQueries({ queryKey: [apiPaths.people] });
  };
  const people = body?.people ?? [];
  return (
    <Page
      title="People"
      heading="People"
      nav={<AdministrationNav />}
      aside={
        body !== null && (
          <Button tone="strong" onClick={() => setOpened({ kind: "new" })}>
            Invite somebody
          </Button>
        )
      }
    >
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure !== null && !failure.isRefused && <Notice tone="warn" title={failure.message} />}
      {issued !== null && (
        <Notice tone="info" icon="clock" title={`Give this link to ${issued.name}. It is shown only now.`}>
          <CopyLine label={`Link for ${issued.name}`} text={issued.link.url ?? serverUrl + issued.link.path} />
          <p className="fine">
            It works once, to choose a password, until{" "}
            {formatInstant(Date.parse(issued.link.expires_at), serverClock.now())}.
          </p>
        </Notice>
      )}
      {body !== null && (
        <Panel title={`${people.length} ${people.length === 1 ? "person" : "people"}`}>
          <table className={list.list}>
            <thead>
              <tr>
                <th>Name</th>
                <th>Role</th>
                <th>Devices</th>
                <th>Signed in</th>
                <th>
                  <span className="sr-only">Change</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {people.map((person) => (
                <PersonRow key={person.name} person={person} onChange={() => setOpened({ kind: "change", person })} />
              ))}
            </tbody>
          </table>
        </Panel>
      )}
      {opened !== null && (
        <Dialog
          title={opened.kind === "new" ? "Invite somebody" : `Change ${opened.person.name}`}
          onClose={() => setOpened(null)}
        >
          <PersonForm person={opened.kind === "new" ? null : opened.person} onDone={done} />
        </Dialog>
      )}
    </Page>
  );
}

function PersonRow({ person, onChange }: { readonly person: PersonBody; readonly onChange: () => void }) {
  return (
    <tr>
      <td>
        <b>{person.name}</b>
        {person.email !== null && <span className={list.sub}>{person.email}</span>}
        {!person.active && <Tag tone="warn">invited, no password yet</Tag>}
      </td>
      <td data-label="Role">{roleWord(person.role)}</td>
      <td data-label="Devices">{describeDevices(person.devices)}</td>
      <td data-label="Signed in">
        {person.sessions === 0 ? (
          <span className="muted">no</span>
        ) : (
          `in ${person.sessions} ${person.sessions === 1 ? "browser" : "browsers"}`
        )}
      </td>
      <td className={list.end}>
        <Button aria-label={`Change ${person.name}`} onClick={onChange}>
          Change
        </Button>
      </td>
    </tr>
  );
}
