import { useQuery } from "@tanstack/react-query";
import type { FleetCommandBody, FleetPreviewBody, NewFleetCommandBody } from "@wattboard/protocol";
import { Link, useLocation } from "wouter";
import { type RequestFailed, sendJson } from "../../api/request.ts";
import { commandWords } from "../../domain/command-words.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { formatSpan } from "../../ui/format-time.ts";
import { Panel } from "../../ui/panel.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./fleet-preview.module.css";
import { WavePicture, wavesToCome } from "./wave-picture.tsx";

/** Devices come and go while somebody reads. */
const previewEveryMs = 10_000;

/** Whom a fleet command would reach now. A null body asks for nothing. */
export function useFleetPreview(body: NewFleetCommandBody | null) {
  const { data, error, isPlaceholderData } = useQuery<FleetPreviewBody, RequestFailed>({
    queryKey: [apiPaths.fleetCommands, "preview", body],
    queryFn: () => sendJson<FleetPreviewBody>("POST", apiPaths.fleetCommands, { ...body, dry_run: true }),
    enabled: body !== null,
    refetchInterval: previewEveryMs,
    placeholderData: (before) => before,
  });
  return { preview: data ?? null, failure: error, isLate: isPlaceholderData };
}

/** What would be done, to whom and in which steps; and the button that does it. */
export function FleetPreview({ body }: { readonly body: NewFleetCommandBody }) {
  const { preview, failure, isLate } = useFleetPreview(body);
  const [, navigate] = useLocation();
  const beginning = useSubmit();
  const begin = () =>
    beginning.run(async () => {
      const begun = await sendJson<FleetCommandBody>("POST", apiPaths.fleetCommands, body);
      navigate(pagePaths.fleetCommand(begun.fleet_command_id));
    });
  if (preview === null) {
    return (
      <Panel title="Preview">
        {failure === null ? <p className="muted">…</p> : <FaultLine fault={failure.message} />}
      </Panel>
    );
  }
  const { count, waves } = preview;
  const devices = devicesWord(count);
  return (
    <Panel title="Preview" isBusy={isLate}>
      <div className={styles.preview}>
        <p className={styles.what}>
          <b>{commandWords(body)}</b>
          <span>to {devices}</span>
        </p>
        {count > 0 && (
          <>
            <WavePicture waves={wavesToCome(waves)} present={null} />
            <p className="fine">
              {waves.length === 1 ? "One wave" : `${formatNumber(waves.length, 0)} waves`}, which take{" "}
              {formatSpan(waves.length * (body.settle_ms ?? 0))} at least. It stops by itself when a canary does not
              apply it, or the limits beside are passed.
            </p>
          </>
        )}
        <LeftOut preview={preview} />
        {count > 0 && <Reached preview={preview} />}
        <FaultLine fault={beginning.fault ?? failure?.message ?? null} />
        {count > 0 && (
          <div className="buttons">
            <ConfirmButton
              tone="strong"
              sure={`Command ${devices} now`}
              disabled={beginning.busy || isLate}
              onConfirm={begin}
            >
              Begin
            </ConfirmButton>
          </div>
        )}
        <p className="fine">
          Devices are chosen as they are when it begins. Those that fit only later are not commanded.
        </p>
      </div>
    </Panel>
  );
}

function LeftOut({ preview: { count, misfits, misfit_count, unknown_count } }: { readonly preview: FleetPreviewBody }) {
  const byReason = [...Map.groupBy(misfits, ({ reason }) => reason)];
  return (
    <>
      {count === 0 && misfit_count === 0 && <p>No device fits the filter now.</p>}
      {misfit_count > 0 && (
        <details className={styles.details}>
          <summary>
            {devicesWord(misfit_count)} {misfit_count === 1 ? "fits" : "fit"} the filter and cannot be told so
          </summary>
          <ul>
            {byReason.map(([reason, same]) => (
              <li key={reason}>
                {reason}
                <DeviceLinks ids={same.map(({ device_id }) => device_id)} />
              </li>
            ))}
          </ul>
          {misfit_count > misfits.length && <p className="fine">The first {misfits.length} are listed.</p>}
        </details>
      )}
      {unknown_count > 0 && (
        <p className="fine">
          {devicesWord(unknown_count)} left out: a value that the filter asks for is not known of{" "}
          {unknown_count === 1 ? "it" : "them"} as of now, offline or too old.
        </p>
      )}
    </>
  );
}

function Reached({ preview: { count, device_ids } }: { readonly preview: FleetPreviewBody }) {
  return (
    <details className={styles.details}>
      <summary>Which {devicesWord(count)}</summary>
      <DeviceLinks ids={device_ids} />
      {count > device_ids.length && <p className="fine">The first {formatNumber(device_ids.length, 0)} are listed.</p>}
    </details>
  );
}

function DeviceLinks({ ids }: { readonly ids: readonly string[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable for those without a mouse.
    <ul className={styles.ids} tabIndex={0} aria-label="Devices">
      {ids.map((id) => (
        <li key={id}>
          <Link href={pagePaths.device(id)}>{id}</Link>
        </li>
      ))}
    </ul>
  );
}

export function devicesWord(count: number): string {
  return `${formatNumber(count, 0)} ${count === 1 ? "device" : "devices"}`;
}
