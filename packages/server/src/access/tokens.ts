import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

/** How every token of ours begins. */
export const tokenPrefix = "wb_";
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const secretDigits = 43;
const checksumDigits = 6;

/** A token as it is stored: salted SHA-256. 256 random bits need no slow hash, and a fleet that reconnects at once could not afford one (ADR 4). */
export interface TokenHash {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** A new token: `wb_`, 256 random bits in base62, and a checksum that tells a mistyped token from a wrong one. */
export function generateToken(): string {
  const secret = base62(BigInt(`0x${randomBytes(32).toString("hex")}`), secretDigits);
  return tokenPrefix + secret + checksum(secret);
}

/** Crockford's base 32, without the letters that are taken for others. */
const codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A new code for a label, which people may have to type: 100 random bits, in groups. */
export function generateClaimCode(): string {
  const signs = [...randomBytes(20)].map((byte) => codeAlphabet.charAt(byte % 32)).join("");
  return signs.replace(/(.{5})(?=.)/g, "$1-");
}

/** What is wrong with a token that an operator brings along, in words; null where it can be used. */
export function describeTokenFault(token: string): string | null {
  if (!/^[\x21-\x7e]*$/.test(token)) return "It may hold visible ASCII characters only, and no blanks.";
  if (token.length < 16) return `It has ${token.length} characters; at least 16 are needed.`;
  if (token.length > 256) return `It has ${token.length} characters; at most 256 are allowed.`;
  if (token.startsWith(tokenPrefix) && !isGenerated(token)) {
    return `It starts with ${tokenPrefix} as Wattboard's own tokens do, but its checksum does not fit: it was mistyped or cut off.`;
  }
  return null;
}

export function hashToken(token: string): TokenHash {
  const salt = randomBytes(16);
  return { salt, hash: digest(salt, token) };
}

/** Compares in constant time. Give `nobody` for an unknown id, so that it costs the same. */
export function tokenMatches(token: string, { salt, hash }: TokenHash): boolean {
  return timingSafeEqual(digest(salt, token), hash);
}

/** The hash of a token that nobody has. */
export const nobody: TokenHash = hashToken(generateToken());

/** The token of an `Authorization: Bearer <token>` header, or null. The scheme is case-blind (RFC 9110 §11.1). */
export function bearerToken(authorization: string | undefined): string | null {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1] ?? null;
}

function isGenerated(token: string): boolean {
  const secret = token.slice(tokenPrefix.length, -checksumDigits);
  return secret.length === secretDigits && checksum(secret) === token.slice(-checksumDigits);
}

function digest(salt: Uint8Array, token: string): Buffer {
  return createHash("sha256").update(salt).update(token).digest();
}

function checksum(secret: string): string {
  return base62(BigInt(crc32(secret)), checksumDigits);
}

function base62(value: bigint, digits: number): string {
  let text = "";
  for (let rest = value; text.length < digits; rest /= 62n) text = alphabet.charAt(Number(rest % 62n)) + text;
  return text;
}
