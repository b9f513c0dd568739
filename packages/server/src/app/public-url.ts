import { networkInterfaces } from "node:os";
import type { Config } from "../config/config.ts";

/** What links begin with, base path included; null where nobody has said. */
export function publicUrlOf({ public_url: origin, base_path: basePath }: Config): string | null {
  return origin === "" ? null : origin + basePath;
}

/** Where the server listens, in the way of an address that can be opened from another machine too: `0.0.0.0` is none. */
export function addressForPeople(url: string): string {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const address = own.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
  return url.replace(/\/\/(?:0\.0\.0\.0|\[::\]):/, `//${address}:`);
}
