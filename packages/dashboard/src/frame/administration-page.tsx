import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { useMe } from "../api/me.ts";
import { RequestFailed } from "../api/request.ts";
import { pagePaths } from "../paths.ts";
import styles from "./administration-page.module.css";
import { Page } from "./page.tsx";
import { RefusedNotice } from "./refused-notice.tsx";

interface AdministrationPageProps {
  readonly title: string;
  readonly aside?: ReactNode;
  /** Whether it is for all whom the server answers; otherwise for administrators alone. */
  readonly isForAll?: boolean;
  /** Made once it is known that whoever looks may. */
  readonly children: () => ReactNode;
}

/** A page of the administration. Whoever may not see it is told so, and nothing of it is asked for. */
export function AdministrationPage({ title, aside, isForAll = false, children }: AdministrationPageProps) {
  const me = useMe();
  if (me === undefined) return <Page title={title} heading={title} waitingFor="the server" />;
  const isAllowed = isForAll || me?.role === "admin";
  return (
    <Page title={title} heading={title} nav={<AdministrationNav />} {...(isAllowed && { aside })}>
      {isAllowed ? (
        children()
      ) : (
        <RefusedNotice
          failure={new RequestFailed(me === null ? 401 : 403, "This page is for administrators.", "not_permitted")}
        />
      )}
    </Page>
  );
}

/** By address; what stands below one belongs to it. */
const pages: readonly (readonly [path: string, label: string, below?: RegExp])[] = [
  [pagePaths.devices, "Devices", /^\/(devices\/|add-device)/],
  [pagePaths.people, "People"],
  [pagePaths.apiTokens, "API tokens"],
  [pagePaths.maintenance(), "Maintenance"],
  [pagePaths.exports, "Exports"],
  [pagePaths.backups, "Backups"],
  [pagePaths.server, "Server"],
  [pagePaths.audit, "Audit"],
];

/** The administration's pages, for administrators. */
export function AdministrationNav() {
  const [location] = useLocation();
  const me = useMe();
  if (me?.role !== "admin") return null;
  return (
    <nav className={styles.nav} aria-label="Administration">
      {pages.map(([path, label, below]) => {
        const current = location === path ? "page" : below?.test(location) === true ? "true" : undefined;
        return (
          <Link key={path} href={path} aria-current={current}>
            {label}
          </Link>
        );
      })}
    </nav>
  );
}
