import { serverClock } from "../api/server-clock.ts";
import { ageOf, formatAge } from "../domain/age.ts";
import type { LinkView } from "../live/link-view.ts";
import { formatInstant } from "../ui/format-time.ts";
import { Notice } from "../ui/notice.tsx";
import { useTick } from "../ui/use-tick.ts";

interface LostNoticeProps {
  readonly link: LinkView;
  /** Of the page's times; absent: the viewer's. */
  readonly timeZone?: string | undefined;
}

/** Says that what the page shows has stopped being live, since when, and that it is being worked on. */
export function LostNotice({ link: { phase, lastHeardAtMs }, timeZone }: LostNoticeProps) {
  useTick(1_000);
  if (phase !== "lost") return null;
  const nowMs = serverClock.now();
  const ageMs = ageOf(lastHeardAtMs, nowMs);
  if (ageMs === null || lastHeardAtMs === null) {
    return (
      <Notice tone="error" icon="unlinked" title="The server cannot be reached; trying again.">
        <p>There is nothing to show yet. Check that the server runs and that this address is the right one.</p>
      </Notice>
    );
  }
  return (
    <Notice tone="error" icon="unlinked" title={`Connection lost ${formatAge(ageMs)} ago; reconnecting.`} floats>
      <p>Values on this page are from {formatInstant(lastHeardAtMs, nowMs, timeZone)}.</p>
    </Notice>
  );
}
