import type { RequestFailed } from "../api/get-json.ts";
import { Notice } from "../ui/notice.tsx";

/** What to do when the server wants to know who asks; this page cannot sign anyone in yet. */
export function RefusedNotice({ failure }: { readonly failure: RequestFailed }) {
  return (
    <Notice tone="warn" title="This server shows dashboards only to people with a token.">
      <p>
        Signing in from the browser comes later. For now, start the server with <code>--access-dashboards public</code>,
        on a trusted network only.
      </p>
      <p className="fine">
        The server said: {failure.status} {failure.message}
      </p>
    </Notice>
  );
}
