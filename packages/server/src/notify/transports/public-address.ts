import { BlockList, isIP } from "node:net";

/** IPv4 networks that are not the internet: https://www.iana.org/assignments/iana-ipv4-special-registry */
const specialIpv4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const;
/**
 * Of IPv6 nothing but 2000::/3 is the internet, which leaves out loopback, link-local, unique local, multicast, mapped IPv4 and NAT64; and of that
 * not what is special, nor what holds an IPv4 address (6to4, Teredo): https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const globalIpv6 = ["2000::", 3] as const;
const specialIpv6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const special = new BlockList();
for (const [network, bits] of specialIpv4) special.addSubnet(network, bits, "ipv4");
for (const [network, bits] of specialIpv6) special.addSubnet(network, bits, "ipv6");
const global = new BlockList();
global.addSubnet(...globalIpv6, "ipv6");

/** Whether an address is one of the internet, and nothing of a network of one's own. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  if (family === 4) return !special.check(address, "ipv4");
  return global.check(address, "ipv6") && !special.check(address, "ipv6");
}
