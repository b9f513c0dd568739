import { Link } from "wouter";
import { serverClock } from "../api/server-clock.ts";
import { ThemeToggle } from "../ui/theme-toggle.tsx";
import { useTick } from "../ui/use-tick.ts";
import { AccountMenu } from "./account-menu.tsx";
import { ageOf, formatAge } from "./age.ts";
import type { LinkView } from "./link-view.ts";

/** The line at the top of each page; `link` is absent on pages that show nothing live. */
export function TopBar({ link }: { readonly link?: LinkView }) {
  return (
    <header className="top-bar">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <Link href="/" className="brand">
        <img src="/favicon.svg" alt="" width="26" height="26" />
        <span>Wattboard</span>
      </Link>
      {link !== undefined && <LinkState link={link} />}
      <AccountMenu />
      <ThemeToggle />
    </header>
  );
}

function LinkState({ link: { phase, lastHeardAtMs } }: { readonly link: LinkView }) {
  useTick(1_000);
  const ageMs = ageOf(lastHeardAtMs, serverClock.now());
  return (
    <span className={`link-state link-${phase}`} role="status">
      <span className="link-dot" aria-hidden="true" />
      {phase === "live" && "Live"}
      {phase === "connecting" && "Connecting"}
      {phase === "lost" &&
        (ageMs === null ? "Not connected" : <span aria-hidden="true">Lost {formatAge(ageMs)} ago</span>)}
    </span>
  );
}
