import type { DeviceLinesBody } from "@wattboard/protocol";
import { lazy, Suspense, useState } from "react";
import { usePolled } from "../api/use-polled.ts";
import { apiPaths } from "../paths.ts";
import { CopyLine } from "../ui/copy-line.tsx";
import { CopyText } from "../ui/copy-text.tsx";
import { FaultLine } from "../ui/fault-line.tsx";
import { Panel } from "../ui/panel.tsx";
import { Segments } from "../ui/segments.tsx";
import styles from "./token-parts.module.css";

const QrCode = lazy(async () => ({ default: (await import("../ui/qr-code.tsx")).QrCode }));

/** The token, which is shown only now, and the ways to put it onto the device. */
export function TokenParts({ deviceId, token }: { readonly deviceId: string; readonly token: string }) {
  const { body, failure } = usePolled<DeviceLinesBody>(apiPaths.deviceLines(deviceId), {
    everyMs: Number.POSITIVE_INFINITY,
  });
  const [title, setTitle] = useState("Python");
  const env = body === null ? null : `${body.env}\nAPI_TOKEN=${token}`;
  const line = body?.lines.find((each) => each.title === title);
  return (
    <div className={styles.parts}>
      <div className={styles.main}>
        <Panel title="Its token, shown only now">
          <CopyLine label={`Token of ${deviceId}`} text={token} />
          <p className="fine">The server keeps no more than a hash of it. Lost, it is replaced by another one.</p>
        </Panel>
        <Panel title="On the device">
          <div className={styles.lines}>
            <FaultLine fault={failure?.message ?? null} />
            {env !== null && <CopyText label=".env" text={env} fileName={`${deviceId}.env`} />}
            {body !== null && (
              <Segments
                label="In which language"
                value={title}
                options={body.lines.map((each) => [each.title, each.title])}
                onChange={setTitle}
              />
            )}
            {line !== undefined && <CopyText label={line.title} text={line.text} />}
          </div>
        </Panel>
      </div>
      <div className={styles.side}>
        <Panel title="For a camera">
          {env !== null && (
            <Suspense fallback={<p className="muted">Drawing…</p>}>
              <QrCode label={`The .env of ${deviceId}, with its token`} text={env} />
            </Suspense>
          )}
          <p className="fine">The same lines as the .env. Whoever reads it can send as this device.</p>
        </Panel>
      </div>
    </div>
  );
}
