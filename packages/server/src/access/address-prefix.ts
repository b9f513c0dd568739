import { isIP } from "node:net";

/**
 * What limits count as one address: an IPv4 address, or the first 64 bits of an IPv6 address, since whoever has one of these has all that share
 * them (RFC 4291 §2.5.4).
 */
export function addressPrefix(address: string): string {
  const groups = groupsOf(address);
  if (groups === null) return address;
  return ipv4In(groups) ?? `${groups.slice(0, 4).join(":")}::/64`;
}

/** What a fair queue counts as one network: 24 bits of an IPv4 address, 48 of an IPv6 address, which is what a provider hands out. */
export function networkPrefix(address: string): string {
  const groups = groupsOf(address);
  const ipv4 = groups === null ? address : ipv4In(groups);
  if (ipv4 === null) return `${groups?.slice(0, 3).join(":")}::/48`;
  return isIP(ipv4) === 4 ? `${ipv4.slice(0, ipv4.lastIndexOf("."))}.0/24` : ipv4;
}

/** The eight groups of an IPv6 address, in hexadecimal and without zeros in front; null of anything else. */
function groupsOf(address: string): string[] | null {
  const [plain = ""] = address.split("%", 1);
  if (isIP(plain) !== 6) return null;
  // The URL's host has one form of each address (WHATWG URL §3.5).
  const [before = "", after] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  return [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
}

/** The IPv4 address that an IPv6 address stands for: mapped (RFC 4291 §2.5.5.2), or behind a NAT64 (RFC 6052 §2.1). */
function ipv4In(groups: readonly string[]): string | null {
  const prefix = groups.slice(0, 6).join(":");
  if (prefix !== "0:0:0:0:0:ffff" && prefix !== "64:ff9b:0:0:0:0") return null;
  const bytes = groups
    .slice(6)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
  return bytes.join(".");
}
