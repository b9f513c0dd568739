import { AddressList } from "../access/address-list.ts";
import { TrustedProxies } from "../access/trusted-proxies.ts";
import { assertNotInTheClear, readTls } from "../http/tls-files.ts";
import type { Basis } from "./basis.ts";
import type { Defer } from "./closing.ts";
import { publicUrlOf } from "./public-url.ts";

export type NetworkParts = ReturnType<typeof assembleNetwork>;

/** Who speaks to the server, and how. Throws a `Failure`, `invalid_config`, before anything else is touched. */
export function assembleNetwork(_defer: Defer, basis: Basis) {
  const { config } = basis;
  const proxies = new TrustedProxies(config.access.trusted_proxies);
  const metricsFrom = new AddressList("access.metrics_from", config.access.metrics_from);
  const tls = readTls(config);
  assertNotInTheClear(config);
  return { ...basis, proxies, metricsFrom, tls, publicUrl: publicUrlOf(config) };
}
