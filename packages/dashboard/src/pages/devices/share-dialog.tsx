import { paths, type ShareLinkBody } from "@wattboard/protocol";
import { useState } from "react";
import { sendJson } from "../../api/send-json.ts";
import { usePolled } from "../../api/use-polled.ts";
import { FaultLine } from "../../parts/fault-line.tsx";
import { CopyLine } from "../../ui/copy-line.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Field } from "../../ui/field.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import { useSubmit } from "../../ui/use-submit.ts";

const hourMs = 3_600_000;
const times: readonly [label: string, ms: number][] = [
  ["an hour", hourMs],
  ["a day", 24 * hourMs],
  ["a week", 7 * 24 * hourMs],
  ["30 days", 30 * 24 * hourMs],
];

/** Makes links that let somebody without an account look at one device for a while, and takes them back. */
export function ShareDialog({ deviceId, onClose }: { readonly deviceId: string; readonly onClose: () => void }) {
  const path = `${paths.api}/devices/${encodeURIComponent(deviceId)}/share-links`;
  const [round, setRound] = useState(0);
  const [made, setMade] = useState<string | null>(null);
  const { body, failure } = usePolled<{ share_links: ShareLinkBody[] }>(path, { everyMs: 30_000, round });
  const again = () => setRound((before) => before + 1);
  const making = useSubmit(async (form) => {
    const added = await sendJson<{ path: string }>("POST", path, {
      label: String(form.get("label")),
      ttl_ms: Number(form.get("ttl")),
    });
    setMade(location.origin + added.path);
    again();
  });
  const revoke = (link: ShareLinkBody) =>
    making.run(async () => {
      await sendJson("DELETE", `${path}/${link.share_id}`);
      again();
    });
  const links = body?.share_links ?? [];
  return (
    <Dialog title={`Share ${deviceId}`} onClose={onClose}>
      {made === null ? (
        <form className="form" onSubmit={making.onSubmit}>
          <p>Whoever has the link sees this device live, and nothing else; it changes nothing.</p>
          <Field label="For whom, or what for" name="label" required autoFocus maxLength={120} />
          <label className="field">
            <span className="field-label">Valid for</span>
            <select className="input" name="ttl" defaultValue={24 * hourMs}>
              {times.map(([label, ms]) => (
                <option key={ms} value={ms}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <FaultLine fault={making.fault ?? failure?.message ?? null} />
          <button type="submit" className="button button-strong" disabled={making.busy}>
            Make a link
          </button>
        </form>
      ) : (
        <div className="form">
          <p>This link is shown only now.</p>
          <CopyLine label="Share link" text={made} />
          <button type="button" className="button" onClick={() => setMade(null)}>
            Make another
          </button>
        </div>
      )}
      {links.length > 0 && (
        <ul className="share-list" aria-label="Links that are valid">
          {links.map((link) => (
            <li key={link.share_id}>
              <span>
                {link.label}
                <span className="list-sub">
                  until {formatInstant(Date.parse(link.expires_at), Date.now())}, by {link.created_by}
                </span>
              </span>
              <button
                type="button"
                className="button"
                disabled={making.busy}
                aria-label={`Revoke the link for ${link.label}`}
                onClick={() => revoke(link)}
              >
                Revoke
              </button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
