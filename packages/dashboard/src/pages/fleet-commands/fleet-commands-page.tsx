import type { FleetCommandBody } from "@wattboard/protocol";
import { Link } from "wouter";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { commandWords } from "../../domain/command-words.ts";
import { StatusChip } from "../../domain/status-chip.tsx";
import { Page } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { devicesWord } from "./fleet-preview.tsx";
import { countWords, fleetStatusTone } from "./fleet-status.ts";
import { whereWords } from "./fleet-target.ts";

/** `/fleet-commands`: the record of what many devices were told, newest first. */
export function FleetCommandsPage() {
  const { body, failure } = usePolled<{ fleet_commands: readonly FleetCommandBody[] }>(apiPaths.fleetCommands, {
    everyMs: 3_000,
  });
  const commands = body?.fleet_commands ?? [];
  return (
    <Page title="Fleet commands" heading="Fleet commands">
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure?.isRefused === false && <Notice tone="warn" title={failure.message} />}
      {body !== null && (
        <Panel title="Newest first">
          {commands.length === 0 ? (
            <p className="muted">
              None yet. One begins from the <Link href={pagePaths.fleet}>fleet’s table</Link>: filter the devices that
              you mean, and choose “Command these devices”.
            </p>
          ) : (
            <table className={list.list}>
              <thead>
                <tr>
                  <th>When</th>
                  <th>What</th>
                  <th>To which devices</th>
                  <th>Status</th>
                  <th>By</th>
                </tr>
              </thead>
              <tbody>
                {commands.map((each) => (
                  <FleetCommandRow key={each.fleet_command_id} command={each} />
                ))}
              </tbody>
            </table>
          )}
        </Panel>
      )}
    </Page>
  );
}

function FleetCommandRow({ command }: { readonly command: FleetCommandBody }) {
  const { fleet_command_id: id, created_at, where, status, cause, total, requested_by } = command;
  return (
    <tr>
      <td>
        <time dateTime={created_at}>{formatInstant(Date.parse(created_at), serverClock.now())}</time>
      </td>
      <td>
        <Link href={pagePaths.fleetCommand(id)}>
          <b>{commandWords(command)}</b>
        </Link>
      </td>
      <td data-label="To">
        {devicesWord(total)}
        <span className={list.sub}>{whereWords(where).join("; ")}</span>
      </td>
      <td>
        <StatusChip tone={fleetStatusTone(status)}>{status}</StatusChip>
        <span className={list.sub}>{status === "stopped" ? cause : countWords(command)}</span>
      </td>
      <td data-label="By">{requested_by ?? "—"}</td>
    </tr>
  );
}
