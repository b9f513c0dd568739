import { createCipheriv, createECDH, hkdfSync } from "node:crypto";
import type { NewId } from "../../base/random-id.ts";
import type { PushAddress } from "../records.ts";

/** Bytes of a text that a push service must take (RFC 8030 §7.2), less what encryption adds. */
export const pushBytesMax = 3_000;

/**
 * Encrypts for one browser, so that the push service between reads nothing: RFC 8291, one record of `aes128gcm` (RFC 8188). Throws where the
 * browser's key is no point of the curve.
 */
export function encryptPush(text: Buffer, { p256dh, auth }: PushAddress, newId: NewId): Buffer {
  const browserKey = Buffer.from(p256dh, "base64url");
  const own = createECDH("prime256v1");
  const ownKey = own.generateKeys();
  const shared = own.computeSecret(browserKey);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), browserKey, ownKey]);
  const material = hkdf(shared, Buffer.from(auth, "base64url"), info, 32);
  const salt = Buffer.from(newId(16), "hex");
  const key = hkdf(material, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
  const nonce = hkdf(material, salt, Buffer.from("Content-Encoding: nonce\0"), 12);
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  // The 2 says that this record is the last one.
  const sealed = Buffer.concat([cipher.update(text), cipher.update(Buffer.of(2)), cipher.final(), cipher.getAuthTag()]);
  const header = Buffer.alloc(21);
  salt.copy(header);
  header.writeUInt32BE(4_096, 16);
  header.writeUInt8(ownKey.length, 20);
  return Buffer.concat([header, ownKey, sealed]);
}

function hkdf(key: Buffer, salt: Buffer, info: Buffer, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, info, length));
}
