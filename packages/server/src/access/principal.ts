/** What a person or a script may do; each role includes the ones before it. */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

/** Who asks. */
export interface Principal {
  readonly name: string;
  readonly role: Role;
}

export function hasRole(principal: Principal | null, needed: Role): boolean {
  return principal !== null && roles.indexOf(principal.role) >= roles.indexOf(needed);
}
