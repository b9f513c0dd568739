import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply } from "fastify";

/** The built page, beside this package's `dist/` and `src/`. */
export const pageFolder = fileURLToPath(new URL("../../public", import.meta.url));

/** The page's own addresses, which are routed in the browser. */
const pagePaths = [
  "/account",
  "/account/notifications",
  "/add-device",
  "/add-devices",
  "/alarm-rules",
  "/alarm-rules/:id",
  "/alarm-rules/new",
  "/alarms",
  "/alarms/:id",
  "/api-tokens",
  "/audit",
  "/backups",
  "/claim",
  "/devices",
  "/devices/:id",
  "/devices/:id/settings",
  "/events",
  "/exports",
  "/fleet-commands",
  "/fleet-commands/:id",
  "/fleet-commands/new",
  "/maintenance",
  "/people",
  "/server",
  "/share",
  "/sign-in",
  "/welcome",
];

type SendPage = (reply: FastifyReply) => FastifyReply;

/** Answers with the page, which finds its files and the server under `basePath`; null where it is not built. */
export function readPage(basePath: string): SendPage | null {
  const file = join(pageFolder, "index.html");
  if (!existsSync(file)) return null;
  // The build writes addresses from where the file lies: `"./assets/…"`. Sent from `/devices/ems_001` as well, they have to be whole.
  const page = readFileSync(file, "utf8").replaceAll('"./', `"${basePath}/`);
  return (reply) => reply.type("text/html; charset=utf-8").header("Cache-Control", "no-cache").send(page);
}

/** Serves the page at its addresses, and its files. */
export async function servePage(app: FastifyInstance, sendPage: SendPage): Promise<void> {
  for (const path of ["/", "/index.html", ...pagePaths.flatMap((each) => [each, `${each}/`])])
    app.get(path, (_request, reply) => sendPage(reply));
  await app.register(fastifyStatic, {
    root: pageFolder,
    index: false,
    // The build puts a brotli and a gzip file beside each text.
    preCompressed: true,
    setHeaders(reply, path) {
      // Built files carry a hash in their name; the others must be asked for anew.
      reply.header("Cache-Control", path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
}
