import { expect, test } from "vitest";
import { addressPrefix, networkPrefix } from "./address-prefix.ts";

test("an IPv4 address counts by itself, an IPv6 address as its first 64 bits, however it is written", () => {
  expect(addressPrefix("192.0.2.7")).toBe("192.0.2.7");
  for (const address of ["2001:db8:0:7::1", "2001:0DB8:0000:0007:ffff:ffff:ffff:ffff", "2001:db8:0:7:0:0:192.0.2.1"]) {
    expect(addressPrefix(address)).toBe("2001:db8:0:7::/64");
  }
  expect(addressPrefix("2001:db8:0:8::1")).not.toBe(addressPrefix("2001:db8:0:7::1"));
  expect(addressPrefix("::1")).toBe("0:0:0:0::/64");
  expect(addressPrefix("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
});

test("an IPv4 address that comes as an IPv6 address counts as what it is", () => {
  for (const address of ["::ffff:192.0.2.7", "::ffff:c000:207", "64:ff9b::192.0.2.7"]) {
    expect(addressPrefix(address)).toBe("192.0.2.7");
    expect(networkPrefix(address)).toBe("192.0.2.0/24");
  }
});

test("a network is 24 bits of IPv4, 48 of IPv6; what is no address stands for itself", () => {
  expect(networkPrefix("192.0.2.7")).toBe("192.0.2.0/24");
  expect(networkPrefix("2001:db8:1:2:3::4")).toBe("2001:db8:1::/48");
  expect(networkPrefix("2001:db8::4")).toBe("2001:db8:0::/48");
  for (const text of ["", "unknown", "1.2.3"]) {
    expect(addressPrefix(text)).toBe(text);
    expect(networkPrefix(text)).toBe(text);
  }
});
