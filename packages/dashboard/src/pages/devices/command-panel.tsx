import type { Capabilities, CommandBody, DeviceDetail } from "@wattboard/protocol";
import { Link } from "wouter";
import { mayCommand, useMe } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { plainCapabilities } from "../../domain/merge-capabilities.ts";
import { type CommandOrder, ModeForm, ParameterForm } from "../../domain/order-forms.tsx";
import type { LivePoint } from "../../live/live-points.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./command-panel.module.css";
import { CommandProgress } from "./command-progress.tsx";

interface CommandPanelProps {
  readonly detail: DeviceDetail;
  readonly points: ReadonlyMap<string, LivePoint>;
  readonly commands: readonly CommandBody[] | null;
  readonly announced: Capabilities | null;
  readonly nowMs: number;
  readonly onGiven: (command: CommandBody) => void;
}

/** What became of what the device was told, and, for whoever may command it, what it can be told. */
export function CommandPanel(props: CommandPanelProps) {
  const { detail, commands, nowMs } = props;
  const me = useMe();
  const isAllowed = mayCommand(me, detail.device_id);
  // A guest of a share link is here to look.
  if (!isAllowed && me?.kind === "share" && (commands ?? []).length === 0) return null;
  return (
    <Panel title="Commands">
      {isAllowed && <Orders {...props} />}
      {!isAllowed && me !== undefined && me?.kind !== "share" && (
        <p className="fine">
          {me?.kind === "person" ? (
            "You may look at this device. An administrator can let you command it."
          ) : (
            <>
              <Link href={pagePaths.signIn(pagePaths.device(detail.device_id))}>Sign in</Link> as an operator to command
              this device.
            </>
          )}
        </p>
      )}
      <CommandProgress commands={commands} nowMs={nowMs} timeZone={detail.time_zone} />
    </Panel>
  );
}

function Orders({ detail, points, announced, onGiven }: CommandPanelProps) {
  const giving = useSubmit();
  const { commands: known, parameters = [] } = announced ?? plainCapabilities;
  const read = (point: string) => points.get(point)?.value;
  const flags = read("system_status.error_flags");
  const isInError = read("system_status.state") === "ERROR" || (Array.isArray(flags) && flags.length > 0);
  const give = (order: CommandOrder): void =>
    giving.run(async () => onGiven(await sendJson<CommandBody>("POST", apiPaths.commands(detail.device_id), order)));
  return (
    <>
      {!detail.online && (
        <p className="fine">The device is offline. A command waits a minute for it, and then expires.</p>
      )}
      <fieldset className={styles.orders} disabled={giving.busy}>
        <legend className="sr-only">Give a command</legend>
        {known.SET_MODE !== undefined && (
          <ModeForm known={known.SET_MODE} read={read} verb="Set mode" asksFirst onOrder={give} />
        )}
        {parameters.length > 0 && <ParameterForm parameters={parameters} read={read} verb="Set" onOrder={give} />}
        <div className="buttons">
          {known.RESET_ERROR !== undefined && (
            <Button tone={isInError ? "strong" : "plain"} onClick={() => give({ action: "RESET_ERROR", payload: {} })}>
              Reset error
            </Button>
          )}
          {known.RESTART !== undefined && (
            <ConfirmButton sure="Restart the device now" onConfirm={() => give({ action: "RESTART", payload: {} })}>
              Restart
            </ConfirmButton>
          )}
        </div>
      </fieldset>
      <FaultLine fault={giving.fault} />
    </>
  );
}
