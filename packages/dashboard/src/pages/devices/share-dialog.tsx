import type { DeviceDetail, ShareLinkBody } from "@wattboard/protocol";
import { useState } from "react";
import { queryClient } from "../../api/query-client.ts";
import { sendJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { apiPaths, serverUrl } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { CopyLine } from "../../ui/copy-line.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Field, Form, inputLook, Labelled } from "../../ui/field.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./share-dialog.module.css";

const hourMs = 3_600_000;
const times: readonly [label: string, ms: number][] = [
  ["an hour", hourMs],
  ["a day", 24 * hourMs],
  ["a week", 7 * 24 * hourMs],
  ["30 days", 30 * 24 * hourMs],
];

/** Makes links that let somebody without an account look at one device for a while, and takes them back. */
export function ShareDialog({ detail, onClose }: { readonly detail: DeviceDetail; readonly onClose: () => void }) {
  const { device_id: deviceId, time_zone: timeZone } = detail;
  const path = apiPaths.shareLinks(deviceId);
  const [made, setMade] = useState<string | null>(null);
  const { body, failure } = usePolled<{ share_links: ShareLinkBody[] }>(path, { everyMs: 30_000 });
  const again = () => void queryClient.invalidateQueries({ queryKey: [path] });
  const making = useSubmit(async (form) => {
    const added = await sendJson<{ path: string; url: string | null }>("POST", path, {
      label: String(form.get("label")),
      ttl_ms: Number(form.get("ttl")),
    });
    setMade(added.url ?? serverUrl + added.path);
    again();
  });
  const revoke = (link: ShareLinkBody) =>
    making.run(async () => {
      await sendJson("DELETE", apiPaths.shareLink(deviceId, link.share_id));
      again();
    });
  const links = body?.share_links ?? [];
  return (
    <Dialog title={`Share ${deviceId}`} onClose={onClose}>
      {made === null ? (
        <Form onSubmit={making.onSubmit}>
          <p>Whoever has the link sees this device live, and nothing else; it changes nothing.</p>
          <Field label="For whom, or what for" name="label" required autoFocus maxLength={120} />
          <Labelled label="Valid for">
            <select className={inputLook} name="ttl" defaultValue={24 * hourMs}>
              {times.map(([label, ms]) => (
                <option key={ms} value={ms}>
                  {label}
                </option>
              ))}
            </select>
          </Labelled>
          <FaultLine fault={making.fault ?? failure?.message ?? null} />
          <Button type="submit" tone="strong" disabled={making.busy}>
            Make a link
          </Button>
        </Form>
      ) : (
        <div className="stack">
          <p>This link is shown only now.</p>
          <CopyLine label="Share link" text={made} />
          <Button onClick={() => setMade(null)}>Make another</Button>
        </div>
      )}
      {links.length > 0 && (
        <ul className={styles.list} aria-label="Links that are valid">
          {links.map((link) => (
            <ShareLinkRow
              key={link.share_id}
              link={link}
              timeZone={timeZone}
              isBusy={making.busy}
              onRevoke={() => revoke(link)}
            />
          ))}
        </ul>
      )}
    </Dialog>
  );
}

interface ShareLinkRowProps {
  readonly link: ShareLinkBody;
  readonly timeZone: string;
  readonly isBusy: boolean;
  readonly onRevoke: () => void;
}

function ShareLinkRow({ link, timeZone, isBusy, onRevoke }: ShareLinkRowProps) {
  return (
    <li>
      <span>
        {link.label}
        <span className={list.sub}>
          until {formatInstant(Date.parse(link.expires_at), serverClock.now(), timeZone)}, by {link.created_by}
        </span>
      </span>
      <span className="buttons">
        <ConfirmButton
          sure="Revoke it now"
          disabled={isBusy}
          label={`Revoke the link for ${link.label}`}
          onConfirm={onRevoke}
        >
          Revoke
        </ConfirmButton>
      </span>
    </li>
  );
}
