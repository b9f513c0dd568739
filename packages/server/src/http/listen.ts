import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { Failure, systemErrorCode } from "../base/failure.ts";
import type { Config } from "../config/config.ts";

/** Opens the server, and gives its address, base path included. Throws a `Failure`: `port_in_use`, `address_not_available`. */
export async function listen(app: FastifyInstance, { host, port, base_path }: Config, isTls: boolean): Promise<string> {
  try {
    await app.listen({ host, port, backlog: 4_096 });
  } catch (error) {
    throw listenFailure(error, host, port);
  }
  return `${isTls ? "https" : "http"}://${urlHost(host)}:${(app.server.address() as AddressInfo).port}${base_path}`;
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function listenFailure(error: unknown, host: string, port: number): Failure {
  const code = systemErrorCode(error);
  if (code === "EADDRINUSE") {
    return new Failure(
      "port_in_use",
      `Port ${port} on ${host} is taken. Stop what listens there, or choose another with --port.`,
      error,
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(
    "address_not_available",
    `Cannot listen on ${host}:${port}: ${reason}. Check --host and --port.`,
    error,
  );
}
