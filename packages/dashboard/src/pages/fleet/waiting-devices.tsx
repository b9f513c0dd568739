import { paths, type WaitingDeviceBody } from "@wattboard/protocol";
import { useState } from "react";
import { sendJson } from "../../api/send-json.ts";
import { useMe } from "../../api/use-me.ts";
import { usePolled } from "../../api/use-polled.ts";
import { ageOf, formatAge } from "../../parts/age.ts";
import { FaultLine } from "../../parts/fault-line.tsx";
import { CopyLine } from "../../ui/copy-line.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";

const path = `${paths.api}/smart-os/waiting`;
/** More would push the fleet out of sight; those that are accepted make room. */
const shownMax = 6;

interface Accepted {
  readonly device_id: string;
  readonly token: string;
}

/** SolMates that have come and are not registered, for an administrator to let in. Nothing where none waits. */
export function WaitingDevices({ nowMs }: { readonly nowMs: number }) {
  const me = useMe();
  const [round, setRound] = useState(0);
  const [accepted, setAccepted] = useState<Accepted | null>(null);
  const isAdministrator = me !== null && me !== undefined && me.role === "admin";
  const { body, failure } = usePolled<{ waiting: WaitingDeviceBody[] }>(isAdministrator ? path : null, {
    everyMs: 5_000,
    round,
  });
  const { busy, fault, run } = useSubmit();
  const waiting = body?.waiting ?? [];
  if (!isAdministrator || (waiting.length === 0 && accepted === null)) return null;

  const accept = (deviceId: string) =>
    run(async () => {
      setAccepted(await sendJson<Accepted>("POST", `${path}/${encodeURIComponent(deviceId)}/accept`));
      setRound((before) => before + 1);
    });
  return (
    <Panel
      title={waiting.length === 0 ? "SolMates" : `SolMates waiting (${waiting.length})`}
      className="waiting-devices"
      aside={failure !== null && <span className="muted">not up to date</span>}
    >
      {accepted !== null && (
        <div className="waiting-accepted" role="status">
          <p>
            <b>{accepted.device_id}</b> is accepted, and let in with its next message. Where the door asks for tokens,
            it needs this one; it is shown only now.
          </p>
          <div className="waiting-token">
            <CopyLine label={`Token of ${accepted.device_id}`} text={accepted.token} />
            <button type="button" className="button" onClick={() => setAccepted(null)}>
              Done
            </button>
          </div>
        </div>
      )}
      <FaultLine fault={fault} />
      <ul className="waiting-list">
        {waiting.slice(0, shownMax).map(({ device_id, last_seen_at, messages, address }) => (
          <li key={device_id}>
            <b className="device-id">{device_id}</b>
            <span className="muted">
              {messages} {messages === 1 ? "message" : "messages"} from {address}, the last{" "}
              {formatAge(ageOf(Date.parse(last_seen_at), nowMs) ?? 0)} ago
            </span>
            <button
              type="button"
              className="button button-strong"
              disabled={busy}
              aria-label={`Accept ${device_id}`}
              onClick={() => accept(device_id)}
            >
              Accept
            </button>
          </li>
        ))}
      </ul>
      {waiting.length > shownMax && <p className="fine">{waiting.length - shownMax} more wait behind these.</p>}
    </Panel>
  );
}
