import { timingSafeEqual } from "node:crypto";
import { secretKey } from "../access/secret-key.ts";
import type { NewId } from "../base/random-id.ts";
import type { AddressVerification } from "./records.ts";

export interface IssuedCode {
  /** Handed over once, by mail. */
  readonly code: string;
  readonly verification: AddressVerification;
}

const validMs = 24 * 3_600_000;
/** With ten tries nobody guesses one of 2^48. */
const triesMax = 10;

/** What confirms that an address is somebody's own: it is sent there, and they say it here. */
export function issueCode(newId: NewId, nowMs: number): IssuedCode {
  const code = newId(6);
  return { code, verification: { codeKey: secretKey(code), expiresAtMs: nowMs + validMs, triesLeft: triesMax } };
}

export function codeFits(code: string, { codeKey }: AddressVerification): boolean {
  const given = secretKey(code.trim().toLowerCase());
  return timingSafeEqual(Buffer.from(given), Buffer.from(codeKey));
}
