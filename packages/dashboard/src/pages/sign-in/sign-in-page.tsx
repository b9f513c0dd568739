import type { MeBody } from "@wattboard/protocol";
import { useLocation, useSearchParams } from "wouter";
import { useFirstSteps } from "../../api/first-steps.ts";
import { become } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { NewServerNotice } from "../../frame/new-server-notice.tsx";
import { Page } from "../../frame/page.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Field, Form } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";

/** `/sign-in?to=/devices/…`: name and password, and then on to where somebody wanted to go. */
export function SignInPage() {
  const [, navigate] = useLocation();
  const [params] = useSearchParams();
  const setUp = useFirstSteps()?.setup_command ?? null;
  const { busy, fault, onSubmit } = useSubmit(async (form) => {
    const me = await sendJson<MeBody>("POST", apiPaths.session(), {
      account: String(form.get("account")),
      password: String(form.get("password")),
    });
    become(me);
    navigate(insideOf(params.get("to")), { replace: true });
  });
  return (
    <Page title="Sign in" isNarrow>
      <h1 className="sr-only">Sign in</h1>
      {setUp !== null && <NewServerNotice command={setUp} />}
      <Panel title="Sign in">
        <Form onSubmit={onSubmit}>
          <Field label="Name or e-mail address" name="account" autoComplete="username" required autoFocus />
          <Field label="Password" name="password" type="password" autoComplete="current-password" required />
          <FaultLine fault={fault} />
          <Button type="submit" tone="strong" disabled={busy}>
            {busy ? "Signing in…" : "Sign in"}
          </Button>
          <p className="fine">
            No account, or the password forgotten? An administrator of this server gives you a link to choose one.
          </p>
        </Form>
      </Panel>
    </Page>
  );
}

/** Only an address of this page: a link to the sign-in must not lead on to another site. */
function insideOf(to: string | null): string {
  return to !== null && /^\/(?![/\\])/.test(to) ? to : pagePaths.fleet;
}
