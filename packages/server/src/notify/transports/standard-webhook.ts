import { createHmac } from "node:crypto";
import type { NewId } from "../../base/random-id.ts";

const prefix = "whsec_";

/** A secret as Standard Webhooks writes them: 256 bits. */
export function newSigningSecret(newId: NewId): string {
  return prefix + Buffer.from(newId(32), "hex").toString("base64");
}

/** The headers by which a receiver knows who sent it, that it is new, and that it has not come before: https://www.standardwebhooks.com */
export function signatureHeaders(
  secrets: readonly string[],
  { id, atMs, body }: { readonly id: string; readonly atMs: number; readonly body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1_000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
