import type { ClaimBody } from "@wattboard/protocol";
import { useLocation } from "wouter";
import { askWhoIsHere, mayCommand, useMe } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { usePolled } from "../../api/use-polled.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";

const pollMs = 60_000;

interface OwnershipProps {
  readonly deviceId: string;
  readonly nowMs: number;
}

/** Who has claimed the device, for those who may give it up; nothing for others. */
export function Ownership({ deviceId, nowMs }: OwnershipProps) {
  const me = useMe();
  const [, navigate] = useLocation();
  const { busy, fault, run } = useSubmit();
  const path = mayCommand(me, deviceId) ? apiPaths.claim(deviceId) : null;
  const claim = usePolled<ClaimBody>(path, { everyMs: pollMs }).body;
  if (claim === null || !claim.may_release) return null;
  const giveUp = () =>
    run(async () => {
      await sendJson("DELETE", apiPaths.claim(deviceId));
      await askWhoIsHere();
      navigate(pagePaths.fleet);
    });
  const isOwn = me?.kind === "person" && me.name === claim.owner;
  return (
    <Panel title="Whose it is">
      <p>
        {isOwn ? "You have" : `${claim.owner} has`} claimed it
        {claim.claimed_at !== null && ` (${formatInstant(Date.parse(claim.claimed_at), nowMs)})`}.
      </p>
      <p className="fine">
        When it is given up it is nobody&apos;s: what it has sent is not shown to anybody any more, and whoever has it
        next needs a new label.
      </p>
      <FaultLine fault={fault} />
      <ConfirmButton tone="bad" disabled={busy} sure={`Give ${deviceId} up for ever`} onConfirm={giveUp}>
        Give it up
      </ConfirmButton>
    </Panel>
  );
}
