import { lookup, Resolver } from "node:dns/promises";

const timeoutMs = 3_000;
/** Names asked of the machine at once: each takes one of the few threads that also read files, for as long as a name server is silent. */
const lookupsMax = 1;
let lookups = 0;

/** The addresses of a name, of which there is at least one. Rejects where there are none, or the signal says so. */
export async function resolveName(name: string, signal: AbortSignal): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel);
  try {
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const addresses = found.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    if (addresses.length > 0) return addresses;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
  signal.throwIfAborted();
  // What no name server knows may stand in the machine's own list of hosts, or be told in the network (mDNS).
  if (lookups >= lookupsMax) throw new Error("other names are being looked up");
  lookups++;
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } finally {
    lookups--;
  }
}
