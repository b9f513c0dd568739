import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from "node:crypto";

/** What comes before the 32 bytes of an X25519 private key in PKCS #8, and before those of a public one in SPKI (RFC 8410 §10). */
const privatePrefix = Buffer.from("302e020100300506032b656e04220420", "hex");
const publicPrefix = Buffer.from("302a300506032b656e032100", "hex");
const keyBytes = 32;
const tagBytes = 16;
/** Each key is made for one text alone. */
const nonce = Buffer.alloc(12);

/**
 * The key by which a text is sealed for whoever has this token, and which is no secret: X25519, the private half made from token and salt. Two more
 * tokens are compared in the time that this takes, so it is made once for each.
 */
export function sealKeyOf(token: string, salt: Uint8Array): Buffer {
  return rawOf(createPublicKey(privateKeyOf(token, salt)));
}

/** Seals a text so that it takes the token behind `sealKey` to read it: an ephemeral key, and AES-256-GCM by what both keys share. */
export function seal(text: string, sealKey: Uint8Array): Buffer {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  const recipient = createPublicKey({ key: Buffer.concat([publicPrefix, sealKey]), format: "der", type: "spki" });
  const cipher = createCipheriv("aes-256-gcm", sharedKey(privateKey, recipient), nonce);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([rawOf(publicKey), cipher.getAuthTag(), sealed]);
}

/** What was sealed for whoever has this token. Throws where it was for another's. */
export function unseal(sealed: Uint8Array, token: string, salt: Uint8Array): string {
  const bytes = Buffer.from(sealed);
  const key = Buffer.concat([publicPrefix, bytes.subarray(0, keyBytes)]);
  const sender = createPublicKey({ key, format: "der", type: "spki" });
  const decipher = createDecipheriv("aes-256-gcm", sharedKey(privateKeyOf(token, salt), sender), nonce);
  decipher.setAuthTag(bytes.subarray(keyBytes, keyBytes + tagBytes));
  return decipher.update(bytes.subarray(keyBytes + tagBytes), undefined, "utf8") + decipher.final("utf8");
}

function privateKeyOf(token: string, salt: Uint8Array): KeyObject {
  const seed = Buffer.from(hkdfSync("sha256", token, salt, "wattboard token handover", keyBytes));
  return createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: "der", type: "pkcs8" });
}

function sharedKey(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  const secret = diffieHellman({ privateKey, publicKey });
  return Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), "wattboard sealed token", keyBytes));
}

function rawOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ format: "der", type: "spki" }).subarray(publicPrefix.length);
}
