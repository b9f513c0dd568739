import { Link, useLocation } from "wouter";
import { useMe } from "../api/me.ts";
import { pagePaths } from "../paths.ts";
import styles from "./top-bar.module.css";

/** Who is here, and the pages that are theirs. */
export function AccountMenu() {
  const [location] = useLocation();
  // There nobody need be known, and asking would only be told so.
  return ["/sign-in", "/welcome", "/claim"].includes(location) ? null : <KnownMenu />;
}

function KnownMenu() {
  const me = useMe();
  if (me === undefined) return null;
  if (me?.kind === "share") return <span className={styles.name}>shared with you</span>;
  const person = me?.kind === "person" ? me : null;
  return (
    <nav className={styles.menu} aria-label="Account">
      {person !== null &&
        (person.role === "admin" ? (
          <Link href={pagePaths.devices}>Manage</Link>
        ) : (
          <Link href={pagePaths.exports}>Export</Link>
        ))}
      {person === null ? (
        <Link href={pagePaths.signIn()}>Sign in</Link>
      ) : (
        <Link href={pagePaths.account}>{person.name}</Link>
      )}
    </nav>
  );
}
