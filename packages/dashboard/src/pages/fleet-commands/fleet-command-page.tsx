import type { FleetCommandBody, FleetDeviceBody, MeBody } from "@wattboard/protocol";
import { useMemo } from "react";
import { Link } from "wouter";
import { mayCommandAny, useMe } from "../../api/me.ts";
import { queryClient } from "../../api/query-client.ts";
import { getJson, sendJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { commandWords } from "../../domain/command-words.ts";
import { StatusChip } from "../../domain/status-chip.tsx";
import { Page, Waiting } from "../../frame/page.tsx";
import { RefusedNotice } from "../../frame/refused-notice.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { formatInstant, formatSpan } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./fleet-command-page.module.css";
import { FleetDevices } from "./fleet-devices.tsx";
import { devicesWord } from "./fleet-preview.tsx";
import { countWords, fleetStatusTone, isUnderWay } from "./fleet-status.ts";
import { whereWords } from "./fleet-target.ts";
import { WavePicture, waveShareOf, wavesOf } from "./wave-picture.tsx";

const underWayEveryMs = 1_000;
const endedEveryMs = 15_000;
/** A list of more devices is asked for less often than the counts. */
const manyDevices = 1_000;

/** `/fleet-commands/:id`: one fleet command, live until its last device has answered, and its record from then on. */
export function FleetCommandPage({ fleetCommandId }: { readonly fleetCommandId: string }) {
  const me = useMe();
  const path = apiPaths.fleetCommand(fleetCommandId);
  const { body, failure } = usePolled<FleetCommandBody>(path, {
    everyMs: (command) => (command === undefined || isUnderWay(command) ? underWayEveryMs : endedEveryMs),
  });
  const devices = usePolled<readonly FleetDeviceBody[]>(apiPaths.fleetCommandDevices(fleetCommandId), {
    everyMs: devicesEveryMs,
    ask: allDevices,
  });
  const waves = useMemo(() => wavesOf(devices.body ?? []), [devices.body]);
  const title = body === null ? "Fleet command" : commandWords(body);
  return (
    <Page
      title={title}
      heading={title}
      aside={<Link href={pagePaths.fleetCommands}>All fleet commands</Link>}
      {...(body === null && failure === null && { waitingFor: "the fleet command" })}
    >
      {failure?.isRefused === true && <RefusedNotice failure={failure} />}
      {failure?.isRefused === false && (
        <Notice
          tone="warn"
          title={failure.status === 404 ? `There is no fleet command ${fleetCommandId}.` : failure.message}
        >
          <p>
            <Link href={pagePaths.fleetCommands}>All fleet commands</Link>
          </p>
        </Notice>
      )}
      {body !== null && (
        <div className={styles.layout}>
          <Panel title="Progress" aside={<StatusChip tone={fleetStatusTone(body.status)}>{body.status}</StatusChip>}>
            <div className={styles.progress}>
              <p className={styles.cause} role="status">
                {body.cause}
              </p>
              {devices.body === null ? (
                <Waiting for="its devices" />
              ) : (
                <WavePicture waves={waves} present={body.status === "running" ? body.wave : null} />
              )}
              {body.new_errors > 0 && (
                <p className="warn">
                  {devicesWord(body.new_errors)} raised an error flag that {body.new_errors === 1 ? "it" : "they"} did
                  not have before.
                </p>
              )}
              {body.status === "running" && mayAbort(me, body) && <Abort command={body} />}
            </div>
          </Panel>
          <Panel title="Order">
            <FleetCommandFacts command={body} />
          </Panel>
        </div>
      )}
      {body !== null && devices.body !== null && <FleetDevices devices={devices.body} />}
    </Page>
  );
}

function FleetCommandFacts({ command }: { readonly command: FleetCommandBody }) {
  const { where, created_at, ended_at, requested_by, total, wave, waves, status } = command;
  const nowMs = serverClock.now();
  const createdAtMs = Date.parse(created_at);
  const tookMs = (ended_at === null ? nowMs : Date.parse(ended_at)) - createdAtMs;
  return (
    <dl className={styles.facts}>
      <dt>Devices</dt>
      <dd>
        {formatNumber(total, 0)} <span className="muted">{countWords(command)}</span>
      </dd>
      <dt>Filter</dt>
      <dd>{whereWords(where).join("; ")}</dd>
      <dt>Begun</dt>
      <dd>
        <time dateTime={created_at}>{formatInstant(createdAtMs, nowMs)}</time>
        {requested_by !== null && <span className="muted"> by {requested_by}</span>}
      </dd>
      <dt>{status === "running" ? "Runs for" : "Took"}</dt>
      <dd>{formatSpan(Math.max(0, tookMs))}</dd>
      <dt>Waves</dt>
      <dd>
        {status === "running"
          ? `${wave === 0 ? "the canary" : `wave ${formatNumber(wave, 0)}`}, then ${formatNumber(waves - 1 - wave, 0)} more`
          : `${formatNumber(wave + 1, 0)} of ${formatNumber(waves, 0)} begun`}
      </dd>
    </dl>
  );
}

function Abort({ command: { fleet_command_id: id, counts } }: { readonly command: FleetCommandBody }) {
  const aborting = useSubmit();
  const abort = () =>
    aborting.run(async () => {
      queryClient.setQueryData([apiPaths.fleetCommand(id)], await sendJson("POST", apiPaths.abortFleetCommand(id)));
      await queryClient.invalidateQueries({ queryKey: [apiPaths.fleetCommandDevices(id)] });
    });
  return (
    <>
      <FaultLine fault={aborting.fault} />
      <div className="buttons">
        <ConfirmButton
          tone="bad"
          sure={`Abort: ${devicesWord(counts.waiting ?? 0)} will not be commanded`}
          disabled={aborting.busy}
          onConfirm={abort}
        >
          Abort
        </ConfirmButton>
        <span className="fine">What devices have been given stays; what waits is taken back.</span>
      </div>
    </>
  );
}

/** Who has devices of their own ends what they began; whoever has all ends each. */
function mayAbort(me: MeBody | null | undefined, { requested_by }: FleetCommandBody): boolean {
  if (!mayCommandAny(me)) return false;
  return me.devices === null || requested_by === `${me.kind} ${me.name}`;
}

function devicesEveryMs(devices: readonly FleetDeviceBody[] = []): number {
  const isOpen =
    devices.length === 0 || devices.some(({ status }) => ["open", "waiting"].includes(waveShareOf(status)));
  return !isOpen ? endedEveryMs : devices.length > manyDevices ? 5 * underWayEveryMs : underWayEveryMs;
}

async function allDevices(path: string, signal: AbortSignal): Promise<readonly FleetDeviceBody[]> {
  const devices: FleetDeviceBody[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const more: string = cursor === "" ? "" : `?${new URLSearchParams({ cursor })}`;
    const page: { devices: readonly FleetDeviceBody[]; next_cursor: string | null } = await getJson(
      path + more,
      signal,
    );
    devices.push(...page.devices);
    cursor = page.next_cursor;
  }
  return devices;
}
