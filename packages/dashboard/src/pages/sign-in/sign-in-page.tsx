import { type MeBody, paths } from "@wattboard/protocol";
import { useLocation, useSearchParams } from "wouter";
import { sendJson } from "../../api/send-json.ts";
import { become } from "../../api/use-me.ts";
import { FaultLine } from "../../parts/fault-line.tsx";
import { TopBar } from "../../parts/top-bar.tsx";
import { Field } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { useTitle } from "../../ui/use-title.ts";

/** `/sign-in?to=/devices/…`: name and password, and then on to where somebody wanted to go. */
export function SignInPage() {
  useTitle("Sign in · Wattboard");
  const [, navigate] = useLocation();
  const [params] = useSearchParams();
  const { busy, fault, onSubmit } = useSubmit(async (form) => {
    const me = await sendJson<MeBody>("POST", `${paths.api}/session`, {
      account: String(form.get("account")),
      password: String(form.get("password")),
    });
    become(me);
    navigate(insideOf(params.get("to")), { replace: true });
  });
  return (
    <>
      <TopBar />
      <main id="content" className="page page-narrow">
        <h1 className="sr-only">Sign in</h1>
        <Panel title="Sign in">
          <form className="form" onSubmit={onSubmit}>
            <Field label="Name or e-mail address" name="account" autoComplete="username" required autoFocus />
            <Field label="Password" name="password" type="password" autoComplete="current-password" required />
            <FaultLine fault={fault} />
            <button type="submit" className="button button-strong" disabled={busy}>
              {busy ? "Signing in…" : "Sign in"}
            </button>
            <p className="fine">
              No account, or the password forgotten? An administrator of this server gives you a link to choose one.
            </p>
          </form>
        </Panel>
      </main>
    </>
  );
}

/** Only an address of this page: a link to the sign-in must not lead on to another site. */
function insideOf(to: string | null): string {
  return to !== null && /^\/(?![/\\])/.test(to) ? to : "/";
}
