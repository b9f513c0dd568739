import type { MeBody, OneTimeLinkBody } from "@wattboard/protocol";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { become } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { chosenPassword, NewPassword } from "../../domain/new-password.tsx";
import { nameRules } from "../../domain/rights.ts";
import { Page } from "../../frame/page.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Field, Form } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";

/** `/welcome#TOKEN`: where one-time links lead: create the administrator, choose a password, or just come in. */
export function WelcomePage() {
  // The secret is the fragment: no browser sends it along, so that it stands in no log on its way.
  const [token] = useState(() => location.hash.slice(1) || String(history.state?.[stateKey] ?? ""));
  const [link, setLink] = useState<OneTimeLinkBody | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    // Out of the address bar, before anybody looks over a shoulder; this entry of the history keeps it, since phones load pages again by themselves.
    history.replaceState({ ...history.state, [stateKey]: token }, "", location.pathname);
    sendJson<OneTimeLinkBody>("POST", apiPaths.inspectLink, { token }).then(setLink, (error: Error) =>
      setFault(error.message),
    );
  }, [token]);
  return (
    <Page
      title="Welcome"
      isNarrow
      {...(fault === null && link === null && { waitingFor: "the server to look at the link" })}
    >
      <h1 className="sr-only">Welcome</h1>
      {fault !== null && (
        <Notice tone="warn" title="This link does not work.">
          <p>{fault}</p>
          <p>
            <Link href={pagePaths.signIn()}>Sign in</Link> if you have a password already.
          </p>
        </Notice>
      )}
      {link !== null && fault === null && <Redeem token={token} link={link} />}
    </Page>
  );
}

const stateKey = "wattboard.link";

function Redeem({ token, link }: { readonly token: string; readonly link: OneTimeLinkBody }) {
  const [, navigate] = useLocation();
  const { busy, fault, onSubmit } = useSubmit(async (form) => {
    const email = String(form.get("email") ?? "");
    const me = await sendJson<MeBody>("POST", apiPaths.redeemLink, {
      token,
      ...(link.kind !== "sign_in" && { password: chosenPassword(form) }),
      ...(link.kind === "setup" && { name: String(form.get("name")) }),
      ...(email !== "" && { email }),
    });
    become(me);
    navigate(pagePaths.fleet, { replace: true });
  });
  const title = {
    setup: "Create the administrator",
    password: `Welcome, ${link.person}: choose a password`,
    sign_in: `Sign in as ${link.person}`,
  }[link.kind];
  return (
    <Panel title={title}>
      <Form onSubmit={onSubmit}>
        {link.kind === "setup" && (
          <>
            <p>Whoever administers this server registers devices and decides who may see and command them.</p>
            <Field
              label="Name"
              name="name"
              {...nameRules}
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
        <Button type="submit" tone="strong" disabled={busy}>
          {link.kind === "setup" ? "Create" : link.kind === "password" ? "Choose this password" : "Sign in"}
        </Button>
      </Form>
    </Panel>
  );
}
