import type { ClaimableBody, ClaimedBody } from "@wattboard/protocol";
import { useEffect, useState } from "react";
import { become } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { Page } from "../../frame/page.tsx";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { Field, Form } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { ClaimForm } from "./claim-form.tsx";
import { Claimed } from "./claimed.tsx";
import { forgetLabelCode, hideLabelCode, type LabelCode, readLabelCode } from "./label-code.ts";

/** `/claim#ID.CODE`: where the label of a box leads. Whoever holds it makes the box theirs, with the account that they have or make here. */
export function ClaimPage() {
  // The code is the fragment: no browser sends it along, so that it stands in no log on its way.
  const [label, setLabel] = useState(() => readLabelCode(location.hash, history.state));
  const [claimable, setClaimable] = useState<ClaimableBody | null>(null);
  const [claimed, setClaimed] = useState<ClaimedBody | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    if (label === null) return;
    hideLabelCode(label);
    sendJson<ClaimableBody>("POST", apiPaths.inspectClaim, label).then(setClaimable, (error: Error) =>
      setFault(error.message),
    );
  }, [label]);
  const isWaiting = label !== null && claimable === null && fault === null;
  const done = (answer: ClaimedBody) => {
    forgetLabelCode();
    setClaimed(answer);
    become(answer.me);
  };
  const tryAnother = (next: LabelCode) => {
    setFault(null);
    setClaimable(null);
    setLabel(next);
  };
  return (
    <Page title="Claim a device" isNarrow {...(isWaiting && { waitingFor: "the server to look at the label" })}>
      <h1 className="sr-only">Claim a device</h1>
      {fault !== null && (
        <Notice tone="warn" title="This label does not work.">
          <p>{fault}</p>
        </Notice>
      )}
      {claimed !== null ? (
        <Claimed claimed={claimed} />
      ) : label !== null && claimable !== null ? (
        <ClaimForm label={label} claimable={claimable} onClaimed={done} />
      ) : (
        !isWaiting && <LabelForm deviceId={label?.device_id ?? ""} onTyped={tryAnother} />
      )}
    </Page>
  );
}

interface LabelFormProps {
  readonly deviceId: string;
  readonly onTyped: (label: LabelCode) => void;
}

/** For who cannot scan the label, or whose camera has misread it. */
function LabelForm({ deviceId, onTyped }: LabelFormProps) {
  const { onSubmit } = useSubmit(async (form) => {
    onTyped({ device_id: String(form.get("device_id")).trim(), code: String(form.get("code")) });
  });
  return (
    <Panel title="What stands on the label">
      <Form onSubmit={onSubmit}>
        <Field
          label="Device"
          name="device_id"
          defaultValue={deviceId}
          maxLength={64}
          autoCapitalize="none"
          spellCheck={false}
          required
        />
        <Field
          label="Code"
          name="code"
          maxLength={64}
          autoCapitalize="characters"
          autoComplete="off"
          spellCheck={false}
          required
          note="Dashes and small letters do not matter."
        />
        <Button type="submit" tone="strong">
          Go on
        </Button>
      </Form>
    </Panel>
  );
}
