import { createECDH, createPrivateKey, type KeyObject, sign } from "node:crypto";

/** The server's own keys, by which push services know it; in base64url. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

export function newVapidKeys(): VapidKeys {
  const pair = createECDH("prime256v1");
  pair.generateKeys();
  return { publicKey: pair.getPublicKey("base64url"), privateKey: pair.getPrivateKey("base64url") };
}

const validMs = 12 * 3_600_000;

/** The header by which a push service is told who sends (RFC 8292). `contact`: `mailto:` or `https:`, where its operator may complain. */
export function vapidHeader(keys: VapidKeys, endpoint: string, contact: string, nowMs: number): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const expires = Math.floor((nowMs + validMs) / 1_000);
  const claims = encode({ aud: new URL(endpoint).origin, exp: expires, sub: contact });
  const signed = `${encode({ typ: "JWT", alg: "ES256" })}.${claims}`;
  const key = { key: signingKey(keys), dsaEncoding: "ieee-p1363" } as const;
  const signature = sign("sha256", Buffer.from(signed), key).toString("base64url");
  return `vapid t=${signed}.${signature}, k=${keys.publicKey}`;
}

function signingKey({ publicKey, privateKey }: VapidKeys): KeyObject {
  const point = Buffer.from(publicKey, "base64url");
  const jwk = {
    kty: "EC",
    crv: "P-256",
    d: privateKey,
    x: point.subarray(1, 33).toString("base64url"),
    y: point.subarray(33).toString("base64url"),
  };
  return createPrivateKey({ key: jwk, format: "jwk" });
}
