import { Link, useLocation } from "wouter";
import { useFirstSteps } from "../api/first-steps.ts";
import { useMe } from "../api/me.ts";
import type { RequestFailed } from "../api/request.ts";
import { pagePaths } from "../paths.ts";
import { Notice } from "../ui/notice.tsx";
import { NewServerNotice } from "./new-server-notice.tsx";

/** What to do when the server wants to know who asks, or does not let this person. */
export function RefusedNotice({ failure }: { readonly failure: RequestFailed }) {
  const me = useMe();
  const steps = useFirstSteps();
  const [location] = useLocation();
  if (steps !== null && steps.setup_command !== null) return <NewServerNotice command={steps.setup_command} />;
  if (me?.kind === "person" && failure.status === 403) {
    return (
      <Notice tone="warn" title={`This is not for ${me.name}.`}>
        <p>{failure.message} An administrator can change what you may do.</p>
      </Notice>
    );
  }
  return (
    <Notice tone="info" icon="house" title="This server shows its devices to people who are signed in.">
      <p>
        <Link href={pagePaths.signIn(location)}>Sign in</Link>, or open the link that somebody gave you.
      </p>
    </Notice>
  );
}
