import type { DeviceDetail, RotateBody, RotatedBody } from "@wattboard/protocol";
import { useState } from "react";
import { queryClient } from "../../../api/query-client.ts";
import { sendJson } from "../../../api/request.ts";
import { RotationWords } from "../../../domain/rotation-words.tsx";
import { TokenParts } from "../../../domain/token-parts.tsx";
import { apiPaths } from "../../../paths.ts";
import { Button } from "../../../ui/button.tsx";
import { ConfirmButton } from "../../../ui/confirm-button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { inputLook, Labelled } from "../../../ui/field.tsx";
import { Notice } from "../../../ui/notice.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";
import styles from "./settings-page.module.css";

const dayS = 86_400;
const overlaps: readonly [label: string, seconds: number][] = [
  ["7 days", 7 * dayS],
  ["a day", dayS],
  ["30 days", 30 * dayS],
  ["no longer", 0],
];

/** The device's token: another one for it, with the one before beside it for a time, or none. */
export function TokenPanel({ detail }: { readonly detail: DeviceDetail }) {
  const { device_id: deviceId, active, rotation } = detail;
  const [overlapS, setOverlapS] = useState(7 * dayS);
  const [rotated, setRotated] = useState<RotatedBody | null>(null);
  const acting = useSubmit();
  const again = () => queryClient.invalidateQueries({ queryKey: [apiPaths.device(deviceId)] });
  const rotate = () =>
    acting.run(async () => {
      const body: RotateBody = { overlap_s: active ? overlapS : 0 };
      const answer = await sendJson<RotatedBody>("POST", apiPaths.rotate(deviceId), body);
      // First how it stands, so that the dialog does not tell of the time before.
      await again();
      setRotated(answer);
    });
  const revoke = () =>
    acting.run(async () => {
      await sendJson("POST", apiPaths.revoke(deviceId));
      await again();
    });
  return (
    <Panel title="Its token">
      <div className={styles.act}>
        <p>{active ? "It is valid." : "It is revoked: the device is not let in. A new one lets it in again."}</p>
        {rotation !== null && <RotationWords rotation={rotation} />}
        {active && <OverlapChoice overlapS={overlapS} onChange={setOverlapS} />}
        <FaultLine fault={acting.fault} />
        <div className="buttons">
          {active && overlapS === 0 ? (
            <ConfirmButton sure="Make the old one void" disabled={acting.busy} onConfirm={rotate}>
              New token
            </ConfirmButton>
          ) : (
            <Button disabled={acting.busy} onClick={rotate}>
              New token
            </Button>
          )}
          {active && (
            <ConfirmButton tone="bad" sure="Revoke it now" disabled={acting.busy} onConfirm={revoke}>
              Revoke
            </ConfirmButton>
          )}
        </div>
        {rotated !== null && (
          <Dialog title={`New token of ${deviceId}`} onClose={() => setRotated(null)} isWide>
            {/* As it is now: the device may take it while somebody reads this. */}
            {rotated.rotation !== null && rotation !== null && (
              <Notice tone="info" icon="clock" title="Until the device comes with it, the one before is valid as well.">
                <RotationWords rotation={rotation} />
              </Notice>
            )}
            {rotated.rotation !== null && rotation === null && (
              <Notice tone="info" icon="check" title="The device has come with it; nothing is left to do." />
            )}
            <TokenParts deviceId={deviceId} token={rotated.token} />
          </Dialog>
        )}
      </div>
    </Panel>
  );
}

interface OverlapChoiceProps {
  readonly overlapS: number;
  readonly onChange: (overlapS: number) => void;
}

function OverlapChoice({ overlapS, onChange }: OverlapChoiceProps) {
  return (
    <Labelled
      label="With a new one, the one before is valid for"
      note="It ends sooner, when the device has come with the new one. Devices that take tokens get it over their link."
    >
      <select className={inputLook} value={overlapS} onChange={({ target }) => onChange(Number(target.value))}>
        {overlaps.map(([label, seconds]) => (
          <option key={seconds} value={seconds}>
            {label}
          </option>
        ))}
      </select>
    </Labelled>
  );
}
