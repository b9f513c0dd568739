import { createDecipheriv, createECDH, createPublicKey, hkdfSync, verify } from "node:crypto";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { randomId } from "../../base/random-id.ts";
import type { PushAddress } from "../records.ts";
import { channelTo, hostileMessage, loopbackClient, type Received, startReceiver } from "./local-receiver.fixture.ts";
import { encryptPush } from "./push-encryption.ts";
import { PushTransport } from "./push-transport.ts";
import { newVapidKeys } from "./vapid.ts";

const clock = new ManualClock();
const keys = newVapidKeys();
const transport = new PushTransport(loopbackClient(), clock, randomId, {
  keys,
  contact: () => "mailto:board@example.org",
});
const signal = new AbortController().signal;

/** A browser as the specifications describe it: keys, and how it opens what comes (RFC 8291 §3.4, RFC 8188). */
function browser(endpoint: string) {
  const own = createECDH("prime256v1");
  own.generateKeys();
  const auth = Buffer.from("00112233445566778899aabbccddeeff", "hex");
  const address: PushAddress = {
    kind: "push",
    endpoint,
    p256dh: own.getPublicKey("base64url"),
    auth: auth.toString("base64url"),
  };
  return { address, open: (body: Buffer) => decrypt(body, own, auth) };
}

function decrypt(body: Buffer, own: ReturnType<typeof createECDH>, auth: Buffer): string {
  const salt = body.subarray(0, 16);
  const keyLength = body.readUInt8(20);
  const senderKey = body.subarray(21, 21 + keyLength);
  const sealed = body.subarray(21 + keyLength);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), own.getPublicKey(), senderKey]);
  const material = Buffer.from(hkdfSync("sha256", own.computeSecret(senderKey), auth, info, 32));
  const key = Buffer.from(hkdfSync("sha256", material, salt, "Content-Encoding: aes128gcm\0", 16));
  const nonce = Buffer.from(hkdfSync("sha256", material, salt, "Content-Encoding: nonce\0", 12));
  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  decipher.setAuthTag(sealed.subarray(-16));
  const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return padded.subarray(0, padded.lastIndexOf(2)).toString();
}

/** What a push service does with the header (RFC 8292 §4): the signature by the key that it names. */
function claimsOf({ headers }: Received): Record<string, unknown> {
  const [, token = "", key = ""] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization ?? "") ?? [];
  expect(key).toBe(keys.publicKey);
  const [head = "", claims = "", signature = ""] = token.split(".");
  const point = Buffer.from(key, "base64url");
  const jwk = {
    kty: "EC",
    crv: "P-256",
    x: point.subarray(1, 33).toString("base64url"),
    y: point.subarray(33).toString("base64url"),
  };
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  const isValid = verify(
    "sha256",
    Buffer.from(`${head}.${claims}`),
    { key: publicKey, dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"),
  );
  expect(isValid).toBe(true);
  expect(JSON.parse(Buffer.from(head, "base64url").toString())).toEqual({ typ: "JWT", alg: "ES256" });
  return JSON.parse(Buffer.from(claims, "base64url").toString());
}

test("the push service knows who sends, and the browser alone reads what", async () => {
  const { url, received } = await startReceiver((_, response) => void response.writeHead(201).end());
  const { address, open } = browser(`${url}/push/1`);
  expect(await transport.deliver(channelTo(address), hostileMessage, signal)).toEqual({ kind: "delivered" });
  const [one] = received;
  if (one === undefined) throw new Error("Nothing came.");
  expect(one).toMatchObject({ method: "POST", path: "/push/1" });
  expect(one.headers).toMatchObject({ "content-encoding": "aes128gcm", ttl: "86400", urgency: "high" });
  expect(String(one.headers.topic)).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
  const claims = claimsOf(one);
  expect(claims).toMatchObject({ aud: url, sub: "mailto:board@example.org" });
  expect(Number(claims.exp) * 1_000 - clock.wallMs()).toBeLessThanOrEqual(24 * 3_600_000);
  expect(one.body.includes("evil.example")).toBe(false);
  expect(JSON.parse(open(one.body))).toEqual({
    messageId: hostileMessage.messageId,
    title: hostileMessage.title,
    text: hostileMessage.text,
    url: hostileMessage.url,
    severity: "critical",
  });
});

test("the example of RFC 8291, appendix A, opens by the same steps", () => {
  const own = createECDH("prime256v1");
  own.setPrivateKey("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "base64url");
  const body =
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
  expect(decrypt(Buffer.from(body, "base64url"), own, Buffer.from("BTBZMqHH6r4Tts7J_aSIgg", "base64url"))).toBe(
    "When I grow up, I want to be a watermelon",
  );
});

test("a long text is cut, so that a push service takes it", async () => {
  const { url, received } = await startReceiver((_, response) => void response.writeHead(201).end());
  const { address, open } = browser(url);
  await transport.deliver(channelTo(address), { ...hostileMessage, text: "ü€\u{1f50c}".repeat(5_000) }, signal);
  expect(received[0]?.body.length).toBeLessThan(4_096);
  expect(JSON.parse(open(received[0]?.body as Buffer)).title).toBe(hostileMessage.title);
});

test.each([404, 410])("an answer of %i ends the subscription, and says what to do", async (status) => {
  const { url } = await startReceiver((_, response) => void response.writeHead(status).end());
  const { address } = browser(url);
  expect(await transport.deliver(channelTo(address), hostileMessage, signal)).toMatchObject({
    final: "channel",
    cause: expect.stringContaining("turn notifications on there again"),
  });
});

test("a key that is no point of the curve ends the channel, and nothing else", async () => {
  const { url, received } = await startReceiver();
  const { address } = browser(url);
  const forged = { ...address, p256dh: Buffer.alloc(65, 4).toString("base64url") };
  expect(() => encryptPush(Buffer.from("x"), forged, randomId)).toThrow();
  expect(await transport.deliver(channelTo(forged), hostileMessage, signal)).toMatchObject({ final: "channel" });
  expect(received).toEqual([]);
});
