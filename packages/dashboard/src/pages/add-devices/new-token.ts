const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const secretDigits = 43;
const checksumDigits = 6;

/** A token as the server makes them: 256 random bits and a checksum. Made here, the request that brings it can be repeated when its answer was lost. */
export function newToken(bytes = crypto.getRandomValues(new Uint8Array(32))): string {
  const value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const secret = base62(value, secretDigits);
  return `wb_${secret}${base62(BigInt(crc32(new TextEncoder().encode(secret))), checksumDigits)}`;
}

function base62(value: bigint, digits: number): string {
  let text = "";
  for (let rest = value; text.length < digits; rest /= 62n) text = alphabet.charAt(Number(rest % 62n)) + text;
  return text;
}

/** CRC-32 as in zip files. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
