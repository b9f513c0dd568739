import { Link, useLocation } from "wouter";
import { useMe } from "../api/use-me.ts";

/** Who is here, and the pages that are theirs. */
export function AccountMenu() {
  const [location] = useLocation();
  // There nobody is known yet, and asking would only be told so.
  return location === "/sign-in" || location === "/welcome" ? null : <KnownMenu />;
}

function KnownMenu() {
  const me = useMe();
  if (me === undefined) return null;
  if (me?.kind === "share") return <span className="account-name">shared with you</span>;
  const person = me?.kind === "person" ? me : null;
  return (
    <nav className="account-menu" aria-label="Account">
      {person?.role === "admin" && (
        <>
          <Link href="/people">People</Link>
          <Link href="/audit">Audit</Link>
        </>
      )}
      {person === null ? <Link href="/sign-in">Sign in</Link> : <Link href="/account">{person.name}</Link>}
    </nav>
  );
}
