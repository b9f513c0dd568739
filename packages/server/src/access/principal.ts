/** What a person or a script may do; each role includes the ones before it. */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

type PrincipalKind = "anonymous" | "local" | "person" | "token" | "share";

/** Who asks. A value of one moment: where rights change, it is no longer current, and nothing is derived from it any more. */
export interface Principal {
  readonly kind: PrincipalKind;
  readonly name: string;
  readonly role: Role;
  /** The devices given to them; null: all there are. */
  readonly devices: ReadonlySet<string> | null;
  /** Devices that a share link lets them look at besides. */
  readonly sharedDevices: ReadonlySet<string>;
  /** Whether all that it rests on (session, token, rights, share links) still is as it was. Cheap enough to be asked for each message. */
  isCurrent(): boolean;
}

export const noDevices: ReadonlySet<string> = new Set();

export function hasRole(principal: Principal | null, needed: Role): boolean {
  return principal !== null && roles.indexOf(principal.role) >= roles.indexOf(needed);
}
