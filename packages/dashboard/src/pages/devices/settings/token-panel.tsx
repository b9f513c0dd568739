import type { DeviceDetail, ProvisionedBody } from "@wattboard/protocol";
import { useState } from "react";
import { queryClient } from "../../../api/query-client.ts";
import { sendJson } from "../../../api/request.ts";
import { TokenParts } from "../../../domain/token-parts.tsx";
import { apiPaths } from "../../../paths.ts";
import { Button } from "../../../ui/button.tsx";
import { ConfirmButton } from "../../../ui/confirm-button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";
import styles from "./settings-page.module.css";

/** The device's token: another one for it, or none. */
export function TokenPanel({ detail }: { readonly detail: DeviceDetail }) {
  const { device_id: deviceId, active } = detail;
  const [token, setToken] = useState<string | null>(null);
  const acting = useSubmit();
  const again = () => queryClient.invalidateQueries({ queryKey: [apiPaths.device(deviceId)] });
  const rotate = () =>
    acting.run(async () => {
      setToken((await sendJson<ProvisionedBody>("POST", apiPaths.rotate(deviceId), {})).token);
      await again();
    });
  const revoke = () =>
    acting.run(async () => {
      await sendJson("POST", apiPaths.revoke(deviceId));
      await again();
    });
  return (
    <Panel title="Its token">
      <div className={styles.act}>
        <p>
          {active
            ? "It is valid. A new one makes it void at once, and the device stays away until it has the new one."
            : "It is revoked: the device is not let in. A new one lets it in again."}
        </p>
        <FaultLine fault={acting.fault} />
        <div className="buttons">
          {active ? (
            <ConfirmButton sure="Make the old one void" disabled={acting.busy} onConfirm={rotate}>
              New token
            </ConfirmButton>
          ) : (
            <Button tone="strong" disabled={acting.busy} onClick={rotate}>
              New token
            </Button>
          )}
          {active && (
            <ConfirmButton tone="bad" sure="Revoke it now" disabled={acting.busy} onConfirm={revoke}>
              Revoke
            </ConfirmButton>
          )}
        </div>
        {token !== null && (
          <Dialog title={`New token of ${deviceId}`} onClose={() => setToken(null)} isWide>
            <TokenParts deviceId={deviceId} token={token} />
          </Dialog>
        )}
      </div>
    </Panel>
  );
}
