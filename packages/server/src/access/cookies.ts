import { parseCookie, stringifySetCookie } from "cookie";

/**
 * The three cookies: of a person who is signed in, of a browser that has opened share links, and of one in which somebody has signed in before. The prefix `__Host-` makes browsers take them from
 * this very host alone, over TLS alone, and send them nowhere else; no script can read them, and no other site's page sends them.
 */
const names = { session: "wattboard", share: "wattboard-share", browser: "wattboard-browser" } as const;
export type CookieName = keyof typeof names;

/** Without TLS browsers refuse such cookies, Safari on loopback too: there they go without, under another name. */
function fullName(name: CookieName, isSecure: boolean): string {
  return isSecure ? `__Host-${names[name]}` : `${names[name]}-insecure`;
}

/** The cookie's secret, or null. `isSecure`: over TLS. */
export function readCookie(header: string | undefined, name: CookieName, isSecure: boolean): string | null {
  if (header === undefined || header.length > 8 * 1024) return null;
  return parseCookie(header)[fullName(name, isSecure)] ?? null;
}

/** The `Set-Cookie` header; an empty secret takes the cookie away. */
export function writeCookie(name: CookieName, secret: string, isSecure: boolean, ttlMs: number): string {
  return stringifySetCookie({
    name: fullName(name, isSecure),
    value: secret,
    path: "/",
    httpOnly: true,
    secure: isSecure,
    sameSite: "strict",
    maxAge: secret === "" ? 0 : Math.floor(ttlMs / 1_000),
  });
}
