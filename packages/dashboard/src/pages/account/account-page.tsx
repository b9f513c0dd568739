import { type MeBody, paths } from "@wattboard/protocol";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { sendJson } from "../../api/send-json.ts";
import { become, useMe } from "../../api/use-me.ts";
import { FaultLine } from "../../parts/fault-line.tsx";
import { chosenPassword, NewPassword } from "../../parts/new-password.tsx";
import { describeDevices, roleWord } from "../../parts/rights.ts";
import { TopBar } from "../../parts/top-bar.tsx";
import { Field } from "../../ui/field.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { useTitle } from "../../ui/use-title.ts";

/** `/account`: who is signed in, their password, and the way out. */
export function AccountPage() {
  useTitle("Account · Wattboard");
  const me = useMe();
  return (
    <>
      <TopBar />
      <main id="content" className="page page-narrow">
        <h1 className="page-title">Account</h1>
        {me === undefined && <p className="waiting">…</p>}
        {me !== undefined && me?.kind !== "person" && (
          <Notice tone="info" title="Nobody is signed in here.">
            <p>
              <Link href="/sign-in?to=/account">Sign in</Link>
            </p>
          </Notice>
        )}
        {me?.kind === "person" && <Account me={me} />}
      </main>
    </>
  );
}

function Account({ me }: { readonly me: MeBody }) {
  const [, navigate] = useLocation();
  const [isChanged, setChanged] = useState(false);
  const password = useSubmit(async (form) => {
    const present = String(form.get("present"));
    become(await sendJson<MeBody>("POST", `${paths.api}/me/password`, { present, password: chosenPassword(form) }));
    setChanged(true);
  });
  const leaving = useSubmit();
  const leave = (query: string) =>
    leaving.run(async () => {
      await sendJson("DELETE", `${paths.api}/session${query}`);
      become(null);
      navigate("/sign-in");
    });
  const endsAtMs = me.session_expires_at === null ? null : Date.parse(me.session_expires_at);
  return (
    <div className="stack">
      <Panel title={me.name}>
        <dl className="about-person">
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
              <dd>{formatInstant(endsAtMs, Date.now())}</dd>
            </>
          )}
        </dl>
        <FaultLine fault={leaving.fault} />
        <div className="buttons">
          <button type="button" className="button button-strong" disabled={leaving.busy} onClick={() => leave("")}>
            Sign out
          </button>
          <button type="button" className="button" disabled={leaving.busy} onClick={() => leave("?everywhere=true")}>
            Sign out everywhere
          </button>
        </div>
      </Panel>
      <Panel title="Change the password">
        {isChanged ? (
          <p role="status">The new password holds. You are signed out everywhere else.</p>
        ) : (
          <form className="form" onSubmit={password.onSubmit}>
            <Field label="Present password" name="present" type="password" autoComplete="current-password" required />
            <NewPassword />
            <FaultLine fault={password.fault} />
            <button type="submit" className="button button-strong" disabled={password.busy}>
              Change it
            </button>
          </form>
        )}
      </Panel>
    </div>
  );
}
