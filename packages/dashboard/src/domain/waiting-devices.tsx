import type { WaitingDeviceBody } from "@wattboard/protocol";
import { useState } from "react";
import { useMe } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { sendJson } from "../api/request.ts";
import { usePolled } from "../api/use-polled.ts";
import { apiPaths } from "../paths.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmButton } from "../ui/confirm-button.tsx";
import { CopyLine } from "../ui/copy-line.tsx";
import { FaultLine } from "../ui/fault-line.tsx";
import { Panel } from "../ui/panel.tsx";
import { useSubmit } from "../ui/use-submit.ts";
import { ageOf, formatAge } from "./age.ts";
import styles from "./waiting-devices.module.css";

/** More would push the fleet out of sight; those that are accepted make room. */
const shownMax = 6;

interface Accepted {
  readonly device_id: string;
  readonly token: string;
}

/** SolMates that have come and are not registered, for an administrator to let in. Nothing where none waits. */
export function WaitingDevices({ nowMs }: { readonly nowMs: number }) {
  const me = useMe();
  const [accepted, setAccepted] = useState<Accepted | null>(null);
  const isAdministrator = me !== null && me !== undefined && me.role === "admin";
  const { body, failure } = usePolled<{ waiting: WaitingDeviceBody[] }>(isAdministrator ? apiPaths.waiting : null, {
    everyMs: 5_000,
  });
  const { busy, fault, run } = useSubmit();
  const waiting = body?.waiting ?? [];
  if (!isAdministrator || (waiting.length === 0 && accepted === null)) return null;

  const accept = (deviceId: string) =>
    run(async () => {
      setAccepted(await sendJson<Accepted>("POST", apiPaths.acceptWaiting(deviceId)));
      await queryClient.invalidateQueries({ queryKey: [apiPaths.waiting] });
    });
  const refuse = (deviceId: string) =>
    run(async () => {
      await sendJson("DELETE", apiPaths.refuseWaiting(deviceId));
      await queryClient.invalidateQueries({ queryKey: [apiPaths.waiting] });
    });
  return (
    <div className={styles.waiting}>
      <Panel
        title={waiting.length === 0 ? "SolMates" : `SolMates waiting (${waiting.length})`}
        aside={failure !== null && <span className="muted">not up to date</span>}
      >
        {accepted !== null && (
          <div className={styles.accepted} role="status">
            <p>
              <b>{accepted.device_id}</b> is accepted, and let in with its next message. Where the door asks for tokens,
              it needs this one; it is shown only now.
            </p>
            <div className={styles.token}>
              <CopyLine label={`Token of ${accepted.device_id}`} text={accepted.token} />
              <Button onClick={() => setAccepted(null)}>Done</Button>
            </div>
          </div>
        )}
        <FaultLine fault={fault} />
        <ul className={styles.list}>
          {waiting.slice(0, shownMax).map((device) => (
            <WaitingItem
              key={device.device_id}
              {...{ device, nowMs, busy }}
              onAccept={() => accept(device.device_id)}
              onRefuse={() => refuse(device.device_id)}
            />
          ))}
        </ul>
        {waiting.length > shownMax && <p className="fine">{waiting.length - shownMax} more wait behind these.</p>}
      </Panel>
    </div>
  );
}

interface WaitingItemProps {
  readonly device: WaitingDeviceBody;
  readonly nowMs: number;
  readonly busy: boolean;
  readonly onAccept: () => void;
  readonly onRefuse: () => void;
}

function WaitingItem({ device, nowMs, busy, onAccept, onRefuse }: WaitingItemProps) {
  const { device_id: deviceId, last_seen_at, messages, address } = device;
  return (
    <li>
      <code>
        <b>{deviceId}</b>
      </code>
      <span className="muted">
        {messages} {messages === 1 ? "message" : "messages"} from {address}, the last{" "}
        {formatAge(ageOf(Date.parse(last_seen_at), nowMs) ?? 0)} ago
      </span>
      <span className={styles.choice}>
        <ConfirmButton
          sure={`List ${deviceId} no more`}
          label={`Refuse ${deviceId}`}
          disabled={busy}
          onConfirm={onRefuse}
        >
          Refuse
        </ConfirmButton>
        <Button tone="strong" disabled={busy} aria-label={`Accept ${deviceId}`} onClick={onAccept}>
          Accept
        </Button>
      </span>
    </li>
  );
}
