import { existsSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { Failure } from "../base/failure.ts";
import { pageFolder } from "./page.ts";

/**
 * Serves everything under `basePath` as well, WebSocket doors too: it is taken off before anything else looks at the address, where a proxy has not
 * done so already. To be called before the routes are registered. What it returns is called after that, and throws a `Failure` (`invalid_config`)
 * where one of them, or a file of the page, begins with the same word: behind a proxy that takes the path off it could not be reached.
 */
export function mountAt(app: FastifyInstance, basePath: string): () => void {
  if (basePath === "") return () => {};
  const takeOff = (request: IncomingMessage): void => {
    request.url = withoutBase(request.url ?? "", basePath);
  };
  app.server.prependListener("request", takeOff);
  app.server.prependListener("upgrade", takeOff);
  app.addHook("onSend", (_request, reply, payload, done) => {
    const to = reply.getHeader("location");
    if (typeof to === "string" && to.startsWith("/")) reply.header("location", basePath + to);
    done(null, payload);
  });
  const [, first = ""] = basePath.split("/");
  const clashing = existsSync(join(pageFolder, first)) ? [`/${first}`] : [];
  app.addHook("onRoute", ({ url }) => {
    if (url.split("/")[1] === first) clashing.push(url);
  });
  return () => {
    if (clashing.length === 0) return;
    const message = `base_path is ${basePath}, but the server has ${clashing[0]} itself. Choose another.`;
    throw new Failure("invalid_config", message);
  };
}

/** `/energy/livez?a=b` as `/livez?a=b`; all else as it is, but for slashes too many at its beginning. */
function withoutBase(url: string, basePath: string): string {
  let start = 0;
  while (url[start + 1] === "/") start++;
  if (!url.startsWith(basePath, start)) return url;
  const rest = url.slice(start + basePath.length);
  if (rest.startsWith("/")) return rest;
  return rest === "" || rest.startsWith("?") ? `/${rest}` : url;
}
