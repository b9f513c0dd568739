import type { ProvisionedBody } from "@wattboard/protocol";
import { Link } from "wouter";
import { sendJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { TokenParts } from "../../domain/token-parts.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button, buttonLook } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { LiveRow } from "./live-row.tsx";

interface AddedDeviceProps {
  readonly provisioned: ProvisionedBody;
  /** With what it was registered. */
  readonly request: object;
  readonly onAgain: (added: { readonly provisioned: ProvisionedBody; readonly request: object }) => void;
  readonly onNext: () => void;
}

/** A device that has just been registered: its token, what goes onto the device, and whether it has come. */
export function AddedDevice({ provisioned, request, onAgain, onNext }: AddedDeviceProps) {
  const { device_id: deviceId, token } = provisioned;
  return (
    <div className="stack">
      <LiveRow deviceId={deviceId} />
      <FormerDevice provisioned={provisioned} request={request} onAgain={onAgain} />
      <TokenParts deviceId={deviceId} token={token} />
      <div className="buttons">
        <Link {...buttonLook} href={pagePaths.device(deviceId)}>
          Open its page
        </Link>
        <Button onClick={onNext}>Add another</Button>
      </div>
    </div>
  );
}

/** Where another device had the id: whether it is the same one, whose past goes on. */
function FormerDevice({ provisioned, request, onAgain }: Omit<AddedDeviceProps, "onNext">) {
  const { device_id: deviceId, history_from, former_registration: former } = provisioned;
  const again = useSubmit();
  if (history_from === undefined || former === undefined) return null;
  const keep = () =>
    again.run(async () => {
      await sendJson("DELETE", apiPaths.device(deviceId));
      const kept = { ...request, keep_history: former };
      onAgain({ provisioned: await sendJson<ProvisionedBody>("POST", apiPaths.devices, kept), request: kept });
    });
  return (
    <Notice tone="warn" title={`There was a ${deviceId} before, and what it sent is not shown as this one's.`}>
      <p>
        It may have been another's. What is shown begins at {formatInstant(Date.parse(history_from), serverClock.now())}
        .
      </p>
      <FaultLine fault={again.fault} />
      <div className="buttons">
        <ConfirmButton sure="It is the same; show its past" disabled={again.busy} onConfirm={keep}>
          It is the same device
        </ConfirmButton>
      </div>
    </Notice>
  );
}
