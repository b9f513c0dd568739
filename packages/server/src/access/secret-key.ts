import { createHash } from "node:crypto";

/**
 * What is stored of a session, a one-time link or a share link: enough to find it by its secret, and nothing to guess the secret from.
 * Without a salt, since the secret has 256 random bits, and a salt would forbid looking it up.
 */
export function secretKey(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
