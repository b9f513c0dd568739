import { type MeBody, type OneTimeLinkBody, paths } from "@wattboard/protocol";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { sendJson } from "../../api/send-json.ts";
import { become } from "../../api/use-me.ts";
import { FaultLine } from "../../parts/fault-line.tsx";
import { chosenPassword, NewPassword } from "../../parts/new-password.tsx";
import { TopBar } from "../../parts/top-bar.tsx";
import { Field } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { useTitle } from "../../ui/use-title.ts";

/** `/welcome#TOKEN`: where one-time links lead: create the administrator, choose a password, or just come in. */
export function WelcomePage() {
  useTitle("Welcome · Wattboard");
  // The secret is the fragment: no browser sends it along, so that it stands in no log on its way.
  const [token] = useState(() => location.hash.slice(1));
  const [link, setLink] = useState<OneTimeLinkBody | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    // Out of the address bar and the history, before anybody looks over a shoulder.
    history.replaceState(history.state, "", location.pathname);
    sendJson<OneTimeLinkBody>("POST", `${paths.api}/one-time-links/inspect`, { token }).then(setLink, (error: Error) =>
      setFault(error.message),
    );
  }, [token]);
  return (
    <>
      <TopBar />
      <main id="content" className="page page-narrow">
        {fault !== null && (
          <Notice tone="warn" title="This link does not work.">
            <p>{fault}</p>
            <p>
              <Link href="/sign-in">Sign in</Link> if you have a password already.
            </p>
          </Notice>
        )}
        {fault === null && link === null && <p className="waiting">Looking at the link…</p>}
        {link !== null && fault === null && <Redeem token={token} link={link} />}
      </main>
    </>
  );
}

function Redeem({ token, link }: { readonly token: string; readonly link: OneTimeLinkBody }) {
  const [, navigate] = useLocation();
  const { busy, fault, onSubmit } = useSubmit(async (form) => {
    const email = String(form.get("email") ?? "");
    const me = await sendJson<MeBody>("POST", `${paths.api}/one-time-links/redeem`, {
      token,
      ...(link.kind !== "sign_in" && { password: chosenPassword(form) }),
      ...(link.kind === "setup" && { name: String(form.get("name")) }),
      ...(email !== "" && { email }),
    });
    become(me);
    navigate("/", { replace: true });
  });
  const title = {
    setup: "Create the administrator",
    password: `Welcome, ${link.person}: choose a password`,
    sign_in: `Sign in as ${link.person}`,
  }[link.kind];
  return (
    <Panel title={title}>
      <form className="form" onSubmit={onSubmit}>
        {link.kind === "setup" && (
          <>
            <p>Whoever administers this server registers devices and decides who may see and command them.</p>
            <Field
              label="Name"
              name="name"
              autoComplete="username"
              required
              autoFocus
              note="a–z, digits and . _ - ; this is what you sign in with."
            />
            <Field label="E-mail address (if you want to sign in with it)" name="email" type="email" />
          </>
        )}
        {link.kind === "password" && (
          <input type="hidden" name="username" autoComplete="username" value={link.person ?? ""} readOnly />
        )}
        {link.kind === "sign_in" ? <p>This link signs you in once, on this computer.</p> : <NewPassword />}
        <FaultLine fault={fault} />
        <button type="submit" className="button button-strong" disabled={busy}>
          {link.kind === "setup" ? "Create" : link.kind === "password" ? "Choose this password" : "Sign in"}
        </button>
      </form>
    </Panel>
  );
}
