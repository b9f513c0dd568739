import type { ShareLinkBody } from "@wattboard/protocol";
import { useEffect, useState } from "react";
import { askWhoIsHere } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { Page } from "../../frame/page.tsx";
import { apiPaths } from "../../paths.ts";
import { Notice } from "../../ui/notice.tsx";
import { DevicePage } from "../devices/device-page.tsx";

/** `/share#TOKEN`: one device, to look at. The address stays as it is, so that it can be bookmarked and loaded again. */
export function SharePage() {
  const [link, setLink] = useState<ShareLinkBody | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    const token = location.hash.slice(1);
    sendJson<ShareLinkBody>("POST", apiPaths.shareSession, { token }).then(
      async (opened) => {
        await askWhoIsHere();
        setLink(opened);
      },
      (error: Error) => setFault(error.message),
    );
  }, []);
  if (link !== null) return <DevicePage deviceId={link.device_id} share={link} />;
  return (
    <Page title="Shared device" {...(fault === null && { waitingFor: "the link to open" })}>
      <h1 className="sr-only">Shared device</h1>
      {fault !== null && (
        <Notice tone="warn" title="This link does not work.">
          <p>{fault}</p>
        </Notice>
      )}
    </Page>
  );
}
