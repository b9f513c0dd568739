import type { ClaimableBody, ClaimedBody, MeBody } from "@wattboard/protocol";
import { useState } from "react";
import { Link } from "wouter";
import { become } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { chosenPassword, NewPassword } from "../../domain/new-password.tsx";
import { nameRules } from "../../domain/rights.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Field, Form } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segments } from "../../ui/segments.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import type { LabelCode } from "./label-code.ts";

interface ClaimFormProps {
  readonly label: LabelCode;
  readonly claimable: ClaimableBody;
  readonly onClaimed: (claimed: ClaimedBody) => void;
}

/** The device, and who is to have it. */
export function ClaimForm({ label, claimable, onClaimed }: ClaimFormProps) {
  const { device_id: deviceId, name, signed_in_as: person } = claimable;
  const isSignedIn = person !== null;
  const [way, setWay] = useState<"new" | "known">(claimable.may_sign_up ? "new" : "known");
  const { busy, fault, onSubmit } = useSubmit(async (form) => {
    if (!isSignedIn && way === "known") await signIn(form);
    const account = !isSignedIn && way === "new" && { account: newAccountOf(form) };
    onClaimed(await sendJson<ClaimedBody>("POST", apiPaths.claims, { ...label, ...account }));
  });
  if (claimable.is_own) {
    return (
      <Panel title={`${name} is yours already`}>
        <p>
          There is nothing left to do. <Link href={pagePaths.device(deviceId)}>Go to {name}</Link>
        </p>
      </Panel>
    );
  }
  return (
    <Panel title={`Claim ${name}`}>
      <Form onSubmit={onSubmit}>
        <p>
          {isSignedIn ? `The device becomes yours, ${person}: ` : "The device becomes yours: "}
          you see and command it, and others to whom it was given no longer do. The label is used up with that.
        </p>
        {!isSignedIn && claimable.may_sign_up && (
          <Segments
            label="Your account"
            options={[
              ["new", "Make an account"],
              ["known", "I have an account"],
            ]}
            value={way}
            onChange={setWay}
            isWide
          />
        )}
        {!isSignedIn && (way === "new" ? <NewAccount /> : <KnownAccount maySignUp={claimable.may_sign_up} />)}
        <FaultLine fault={fault} />
        <Button type="submit" tone="strong" disabled={busy}>
          {busy ? "Claiming…" : "Make it mine"}
        </Button>
      </Form>
    </Panel>
  );
}

function NewAccount() {
  return (
    <>
      <Field
        label="Name"
        name="name"
        {...nameRules}
        autoComplete="username"
        required
        note="a–z, digits and . _ - ; this is what you sign in with."
      />
      <NewPassword />
    </>
  );
}

function KnownAccount({ maySignUp }: { readonly maySignUp: boolean }) {
  return (
    <>
      <Field label="Name or e-mail address" name="account" autoComplete="username" required />
      <Field label="Password" name="password" type="password" autoComplete="current-password" required />
      {!maySignUp && <p className="fine">No account? An administrator of this server gives you an invitation.</p>}
    </>
  );
}

function newAccountOf(form: FormData) {
  return { name: String(form.get("name")), password: chosenPassword(form) };
}

async function signIn(form: FormData): Promise<void> {
  become(
    await sendJson<MeBody>("POST", apiPaths.session(), {
      account: String(form.get("account")),
      password: String(form.get("password")),
    }),
  );
}
