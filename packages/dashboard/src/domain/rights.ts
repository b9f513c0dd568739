import type { RoleName } from "@wattboard/protocol";

export const roleNames: readonly RoleName[] = ["viewer", "operator", "admin"];

export function roleWord(role: RoleName): string {
  return { viewer: "Viewer", operator: "Operator", admin: "Administrator" }[role];
}

/** For the field in which somebody is given a name: the browser says what is wrong before the server has to. */
export const nameRules = {
  pattern: "[a-z0-9][a-z0-9._\\-]{0,63}",
  title: "1 to 64 of a–z, 0–9 and . _ -, first a letter or a digit",
  autoCapitalize: "none",
  spellCheck: false,
} as const;

/** What the role allows, in words. */
export function roleMeaning(role: RoleName): string {
  return {
    viewer: "looks, and changes nothing",
    operator: "looks, commands devices and shares them",
    admin: "does everything, with all devices",
  }[role];
}
