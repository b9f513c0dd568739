import type { BackupBody, BackupsBody } from "@wattboard/protocol";
import { useState } from "react";
import { followTask } from "../../api/follow-task.ts";
import { queryClient } from "../../api/query-client.ts";
import { sendJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { useFollowedTask } from "../../api/use-followed-task.ts";
import { usePolled } from "../../api/use-polled.ts";
import { AdministrationPage } from "../../frame/administration-page.tsx";
import { apiPaths } from "../../paths.ts";
import { Button, buttonLook } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { Facts } from "../../ui/facts.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { formatSize } from "../../ui/format-size.ts";
import { formatInstant } from "../../ui/format-time.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { ProgressBar } from "../../ui/progress-bar.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./backups-page.module.css";

/** `/backups`: a copy of everything, made, verified and taken away. */
export function BackupsPage() {
  return <AdministrationPage title="Backups">{() => <Backups />}</AdministrationPage>;
}

function askBackups(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: [apiPaths.backups] });
}

function Backups() {
  const { body, failure } = usePolled<BackupsBody>(apiPaths.backups, { everyMs: 3_000 });
  const [share, setShare] = useState<number | null>(null);
  const making = useSubmit();
  const make = () =>
    making.run(async () => {
      setShare(0);
      await followTask("POST", apiPaths.backups, setShare).finally(() => setShare(null));
      await askBackups();
    });
  const [backup] = body?.backups ?? [];
  const shareShown = share ?? body?.making ?? null;
  return (
    <div className="stack">
      {failure !== null && <Notice tone="warn" title={failure.message} />}
      <Panel title="Make a backup">
        <div className={styles.make}>
          <p>
            A consistent copy of everything that is kept: samples, registrations, people, audit and commands. The server
            goes on meanwhile. It holds the hashes of all tokens: keep it as safe as the data folder, on another disk.
          </p>
          {shareShown === null ? (
            backup === undefined && (
              <Button tone="strong" disabled={making.busy || body === null} onClick={make}>
                Make a backup
              </Button>
            )
          ) : (
            <>
              <ProgressBar label="Copying" share={shareShown} />
              <p className="fine">
                {share === null
                  ? "It is being made just now."
                  : "Keep this tab open until it is made: to close it ends it."}
              </p>
            </>
          )}
          {backup !== undefined && (
            <p className="muted">One lies here; when it is taken away and deleted, the next can be made.</p>
          )}
          <FaultLine fault={making.fault} />
        </div>
      </Panel>
      {backup !== undefined && <MadeBackup key={backup.backup_id} backup={backup} />}
    </div>
  );
}

function MadeBackup({ backup }: { readonly backup: BackupBody }) {
  const { backup_id: id, made_at, kept_until, bytes, samples, note, files } = backup;
  const nowMs = serverClock.now();
  const { share, follow } = useFollowedTask();
  const [faults, setFaults] = useState<readonly string[] | null>(null);
  const task = useSubmit();
  const verify = () =>
    task.run(async () => {
      setFaults(null);
      const { faults: found } = await follow<{ faults: string[] }>("POST", apiPaths.verifyBackup(id));
      setFaults(found);
    });
  const remove = () =>
    task.run(async () => {
      await sendJson("DELETE", apiPaths.backup(id));
      await askBackups();
    });
  return (
    <Panel title={`Backup of ${formatInstant(Date.parse(made_at), nowMs)}`}>
      <div className={styles.made}>
        <Facts
          facts={[
            [
              "Holds",
              samples === null
                ? "the registrations, and not the samples"
                : `${formatNumber(samples, 0)} samples and the registrations`,
            ],
            ["Size", formatSize(bytes)],
            [
              "Kept until",
              kept_until === null ? "somebody uses it just now" : formatInstant(Date.parse(kept_until), nowMs),
            ],
          ]}
        />
        {note !== null && <p className="warn">{note}</p>}
        <div className="buttons">
          <a {...buttonLook} data-tone="strong" href={apiPaths.backupTar(id)} download>
            Download
          </a>
          <Button disabled={task.busy} onClick={verify}>
            Verify
          </Button>
          <ConfirmButton tone="bad" sure="Delete this copy now" disabled={task.busy} onConfirm={remove}>
            Delete
          </ConfirmButton>
        </div>
        {share !== null && <ProgressBar label="Reading it again" share={share} />}
        <FaultLine fault={task.fault} />
        {faults !== null && <Verified count={files.length} faults={faults} />}
        <BackupFiles files={files} />
        <p className="fine">
          To bring it back, where no server runs:{" "}
          <code>npx wattboard restore wattboard-backup.tar --data-dir FOLDER</code>
        </p>
      </div>
    </Panel>
  );
}

function Verified({ count, faults }: { readonly count: number; readonly faults: readonly string[] }) {
  if (faults.length === 0) return <p role="status">All {count} files are as they were made.</p>;
  return (
    <div role="status">
      <ul className="bad">
        {faults.map((fault) => (
          <li key={fault}>{fault}. Make another backup.</li>
        ))}
      </ul>
    </div>
  );
}

function BackupFiles({ files }: Pick<BackupBody, "files">) {
  return (
    <details>
      <summary>Files and checksums (SHA-256)</summary>
      <ul className={styles.files}>
        {files.map(({ name, bytes: size, sha256 }) => (
          <li key={name}>
            <b>{name}</b> <span className="muted">{formatSize(size)}</span>
            <code>{sha256}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}
