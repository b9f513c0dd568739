import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { isLoopbackName } from "../access/authorizer.ts";
import { Failure } from "../base/failure.ts";
import type { Config } from "../config/config.ts";
import type { TlsFiles } from "./server.ts";

/** Certificate and key, where the server speaks TLS. Throws a `Failure`: `invalid_config`. */
export function readTls({ tls }: Config): TlsFiles | null {
  if (tls.cert === "" && tls.key === "") return null;
  if (tls.cert === "" || tls.key === "") {
    throw new Failure("invalid_config", "TLS needs both: the certificate by --tls-cert, and its key by --tls-key.");
  }
  try {
    const files = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
    createSecureContext(files);
    return files;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      "invalid_config",
      `TLS cannot be used with ${tls.cert} and ${tls.key}: ${reason}. Both must be PEM files that belong together.`,
      error,
    );
  }
}

/** Beyond loopback passwords and tokens must not travel in the clear unless somebody has said that they may. Throws a `Failure`: `invalid_config`. */
export function assertNotInTheClear({ host, insecure, tls, access }: Config): void {
  if (isLoopbackName(host) || insecure || tls.cert !== "" || access.trusted_proxies.length > 0) return;
  throw new Failure(
    "invalid_config",
    `Listening on ${host} would send passwords and tokens in the clear. Use --tls-cert and --tls-key; or name the proxy that speaks TLS in front: --access-trusted-proxies 10.0.0.7; or, on a network that nobody else is on, --insecure.`,
  );
}
