import { paths, type ShareLinkBody } from "@wattboard/protocol";
import { useEffect, useState } from "react";
import { sendJson } from "../../api/send-json.ts";
import { askWhoIsHere } from "../../api/use-me.ts";
import { TopBar } from "../../parts/top-bar.tsx";
import { Notice } from "../../ui/notice.tsx";
import { DevicePage } from "../devices/device-page.tsx";

/** `/share#TOKEN`: one device, to look at. The address stays as it is, so that it can be bookmarked and loaded again. */
export function SharePage() {
  const [link, setLink] = useState<ShareLinkBody | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    const token = location.hash.slice(1);
    sendJson<ShareLinkBody>("POST", `${paths.api}/share-session`, { token }).then(
      async (opened) => {
        await askWhoIsHere();
        setLink(opened);
      },
      (error: Error) => setFault(error.message),
    );
  }, []);
  if (link !== null) return <DevicePage deviceId={link.device_id} share={link} />;
  return (
    <>
      <TopBar />
      <main id="content" className="page">
        {fault === null ? (
          <p className="waiting">Opening the link…</p>
        ) : (
          <Notice tone="warn" title="This link does not work.">
            <p>{fault}</p>
          </Notice>
        )}
      </main>
    </>
  );
}
