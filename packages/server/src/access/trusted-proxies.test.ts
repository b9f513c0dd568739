import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { TrustedProxies } from "./trusted-proxies.ts";

function requestFrom(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers: { host: "board:8000", ...headers } } as unknown as IncomingMessage;
}

const forwarded = {
  "x-forwarded-for": "203.0.113.9",
  "x-forwarded-proto": "https",
  "x-forwarded-host": "board.example.org",
};

test("what a proxy says counts from a declared one, and from nobody else", () => {
  const proxies = new TrustedProxies(["10.0.0.0/8", "::1"]);
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "::1"]) {
    const request = requestFrom(address, forwarded);
    expect([proxies.addressOf(request), proxies.isSecure(request), proxies.hostOf(request)]).toEqual([
      "203.0.113.9",
      true,
      "board.example.org",
    ]);
  }
  for (const address of ["11.0.0.1", "127.0.0.1", "::ffff:11.0.0.1", "::2"]) {
    const request = requestFrom(address, forwarded);
    expect(proxies.addressOf(request)).toBe(address.replace("::ffff:", ""));
    expect([proxies.isSecure(request), proxies.hostOf(request)]).toEqual([false, "board:8000"]);
  }
  expect(new TrustedProxies([]).addressOf(requestFrom("10.1.2.3", forwarded))).toBe("10.1.2.3");
});

test("of a chain it takes the last hop that is no proxy: what a viewer wrote there before counts for nothing", () => {
  const proxies = new TrustedProxies(["10.0.0.0/8"]);
  const from = (chain: string) => proxies.addressOf(requestFrom("10.0.0.1", { "x-forwarded-for": chain }));
  expect(from("1.1.1.1, 203.0.113.9, 10.0.0.2")).toBe("203.0.113.9");
  expect(from("1.1.1.1, nonsense, 10.0.0.2")).toBe("10.0.0.2");
  expect(from("")).toBe("10.0.0.1");
  expect(from("10.0.0.9, 10.0.0.2")).toBe("10.0.0.9");
});

test.each(["10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.1/x", "1.2.3"])("%s is no network", (network) => {
  expect(() => new TrustedProxies([network])).toThrow(/access\.trusted_proxies/);
});

test.each([
  ["203.0.113.9:51234", "203.0.113.9"],
  ["[2001:db8::7]", "2001:db8::7"],
  ["[2001:db8::7]:4711", "2001:db8::7"],
  ["2001:db8::7", "2001:db8::7"],
  ["[::ffff:203.0.113.9]:1", "203.0.113.9"],
  ["unknown", "10.0.0.1"],
  ["", "10.0.0.1"],
])("a hop %s is the address %s, in X-Forwarded-For and in Forwarded", (hop, address) => {
  const proxies = new TrustedProxies(["10.0.0.0/8"]);
  expect(proxies.addressOf(requestFrom("10.0.0.1", { "x-forwarded-for": hop }))).toBe(address);
  expect(proxies.addressOf(requestFrom("10.0.0.1", { forwarded: `by=_x;for="${hop}"` }))).toBe(address);
  // Whoever is no declared proxy says nothing.
  expect(proxies.addressOf(requestFrom("11.0.0.1", { forwarded: `for="${hop}"` }))).toBe("11.0.0.1");
});
