import type { Requester } from "../base/requester.ts";

/** What a person or a script may do; each role includes the ones before it. */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

type PrincipalKind = "anonymous" | "local" | "person" | "token" | "share";

/** Who asks. A value of one moment: where rights change, it is no longer current, and nothing is derived from it any more. */
export interface Principal {
  readonly kind: PrincipalKind;
  readonly name: string;
  /** When the account or the token was made: another one of the same name is somebody else. Null: it is neither. */
  readonly sinceMs: number | null;
  readonly role: Role;
  /** The devices given to them; null: all there are. */
  readonly devices: ReadonlySet<string> | null;
  /** Devices that a share link lets them look at besides. */
  readonly sharedDevices: ReadonlySet<string>;
  /** Whether all that it rests on (session, token, rights, share links) still is as it was. Cheap enough to be asked for each message. */
  isCurrent(): boolean;
}

export const noDevices: ReadonlySet<string> = new Set();

export function hasRole(principal: Pick<Principal, "role"> | null, needed: Role): boolean {
  return principal !== null && roles.indexOf(principal.role) >= roles.indexOf(needed);
}

/** Whom it rests on what they set going. Who is not known by name can set nothing going. */
export function requesterOf({ kind, name, sinceMs }: Principal): Requester {
  if (kind === "anonymous" || kind === "share") throw new Error(`Nothing rests on ${kind}.`);
  return { kind, name, sinceMs };
}
