import { Link } from "wouter";
import { serverClock } from "../api/server-clock.ts";
import { ageOf, formatAge } from "../domain/age.ts";
import type { LinkView } from "../live/link-view.ts";
import { basePath, pagePaths } from "../paths.ts";
import { ThemeToggle } from "../ui/theme-toggle.tsx";
import { useTick } from "../ui/use-tick.ts";
import { AccountMenu } from "./account-menu.tsx";
import { AlarmCount } from "./alarm-count.tsx";
import styles from "./top-bar.module.css";

/** The line at the top of each page; `link` is absent on pages that show nothing live. */
export function TopBar({ link }: { readonly link: LinkView | undefined }) {
  return (
    <header className={styles.bar}>
      <a className={styles.skip} href="#content">
        Skip to content
      </a>
      <Link href={pagePaths.fleet} className={styles.brand}>
        <img src={`${basePath}/favicon.svg`} alt="" width="26" height="26" />
        <span>Wattboard</span>
      </Link>
      {link !== undefined && <LinkState link={link} />}
      <AlarmCount />
      <AccountMenu />
      <ThemeToggle />
    </header>
  );
}

function LinkState({ link: { phase, lastHeardAtMs } }: { readonly link: LinkView }) {
  useTick(1_000);
  const ageMs = ageOf(lastHeardAtMs, serverClock.now());
  return (
    <span className={styles.link} data-phase={phase} role="status" aria-label="Connection">
      <span className={styles.dot} aria-hidden="true" />
      {phase === "live" && "Live"}
      {phase === "connecting" && "Connecting"}
      {phase === "lost" &&
        (ageMs === null ? "Not connected" : <span aria-hidden="true">Lost {formatAge(ageMs)} ago</span>)}
    </span>
  );
}
