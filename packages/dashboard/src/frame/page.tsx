import type { ReactNode } from "react";
import type { LinkView } from "../live/link-view.ts";
import { useTitle } from "../ui/use-title.ts";
import styles from "./page.module.css";
import { TopBar } from "./top-bar.tsx";

interface PageProps {
  /** Its name in the browser's tab. */
  readonly title?: string;
  /** Its heading; the title where it has none of its own to show. */
  readonly heading?: string;
  /** What stands at the other end of the heading's line. */
  readonly aside?: ReactNode;
  /** What leads to its neighbours, above the heading. */
  readonly nav?: ReactNode;
  /** Absent on pages that show nothing live. */
  readonly link?: LinkView;
  readonly isNarrow?: boolean;
  /** What is still to come, in place of all else. */
  readonly waitingFor?: string;
  readonly children?: ReactNode;
}

/** What all pages have: the line at the top, and the part that is theirs. */
export function Page({ title, heading, aside, nav, link, isNarrow = false, waitingFor, children }: PageProps) {
  useTitle(title === undefined ? "Wattboard" : `${title} · Wattboard`);
  return (
    <>
      <TopBar link={link} />
      <main id="content" className={styles.page} data-narrow={isNarrow} data-lost={link?.phase === "lost"}>
        {nav}
        {heading !== undefined && (
          <div className={styles.head}>
            <h1 className={styles.heading}>{heading}</h1>
            {aside}
          </div>
        )}
        {waitingFor !== undefined && <Waiting for={waitingFor} />}
        {children}
      </main>
    </>
  );
}

export function Waiting({ for: what }: { readonly for: string }) {
  return (
    <p className={styles.waiting} role="status">
      Waiting for {what}…
    </p>
  );
}
