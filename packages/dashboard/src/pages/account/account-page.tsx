import type { MeBody } from "@wattboard/protocol";
import { describeDevices } from "@wattboard/protocol";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { become, mayCommandAny, useMe } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { chosenPassword, NewPassword } from "../../domain/new-password.tsx";
import { roleWord } from "../../domain/rights.ts";
import { Page } from "../../frame/page.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Field, Form } from "../../ui/field.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./account-page.module.css";

/** `/account`: who is signed in, their password, and the way out. */
export function AccountPage() {
  const me = useMe();
  return (
    <Page title="Account" heading="Account" isNarrow {...(me === undefined && { waitingFor: "the server" })}>
      {me !== undefined && me?.kind !== "person" && (
        <Notice tone="info" title="Nobody is signed in here.">
          <p>
            <Link href={pagePaths.signIn(pagePaths.account)}>Sign in</Link>
          </p>
        </Notice>
      )}
      {me?.kind === "person" && <Account me={me} />}
    </Page>
  );
}

function Account({ me }: { readonly me: MeBody }) {
  const [, navigate] = useLocation();
  const [isChanged, setChanged] = useState(false);
  const password = useSubmit(async (form) => {
    const present = String(form.get("present"));
    become(await sendJson<MeBody>("POST", apiPaths.password, { present, password: chosenPassword(form) }));
    setChanged(true);
  });
  const leaving = useSubmit();
  const leave = (everywhere: boolean) =>
    leaving.run(async () => {
      await sendJson("DELETE", apiPaths.session(everywhere));
      become(null);
      navigate(pagePaths.signIn());
    });
  const endsAtMs = me.session_expires_at === null ? null : Date.parse(me.session_expires_at);
  return (
    <div className="stack">
      <Panel title={me.name}>
        <dl className={styles.about}>
          <dt>Role</dt>
          <dd>{roleWord(me.role)}</dd>
          <dt>Devices</dt>
          <dd>{describeDevices(me.devices)}</dd>
          {me.email !== null && (
            <>
              <dt>E-mail</dt>
              <dd>{me.email}</dd>
            </>
          )}
          {endsAtMs !== null && (
            <>
              <dt>Signed in until</dt>
              <dd>{formatInstant(endsAtMs, serverClock.now())}</dd>
            </>
          )}
        </dl>
        <Ways me={me} />
        <FaultLine fault={leaving.fault} />
        <div className="buttons">
          <Button tone="strong" disabled={leaving.busy} onClick={() => leave(false)}>
            Sign out
          </Button>
          <Button disabled={leaving.busy} onClick={() => leave(true)}>
            Sign out everywhere
          </Button>
        </div>
      </Panel>
      <Panel title="Change the password">
        {isChanged ? (
          <p role="status">The new password holds. You are signed out everywhere else.</p>
        ) : (
          <Form onSubmit={password.onSubmit}>
            <Field label="Present password" name="present" type="password" autoComplete="current-password" required />
            <NewPassword />
            <FaultLine fault={password.fault} />
            <Button type="submit" tone="strong" disabled={password.busy}>
              Change it
            </Button>
          </Form>
        )}
      </Panel>
    </div>
  );
}

/** What else is theirs. */
function Ways({ me }: { readonly me: MeBody }) {
  return (
    <>
      <p>
        <Link href={pagePaths.notifications}>Notifications</Link>: by what you are told of alarms, and when
      </p>
      {mayCommandAny(me) && (
        <p>
          <Link href={pagePaths.maintenance()}>Maintenance</Link>: times in which nobody is told of some devices
        </p>
      )}
    </>
  );
}
