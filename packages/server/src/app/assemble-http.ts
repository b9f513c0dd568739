import type { IncomingMessage } from "node:http";
import { Passwords } from "../access/passwords.ts";
import { SignIn } from "../access/sign-in.ts";
import { registerApi } from "../api/register-api.ts";
import { zoneNamed } from "../base/time-zone.ts";
import { AnswerBudget } from "../http/answer-budget.ts";
import { createHttpServer } from "../http/server.ts";
import type { DoorParts } from "./assemble-doors.ts";
import type { Defer } from "./closing.ts";
import { copyAllButStore } from "./data-folder.ts";

export type HttpParts = Awaited<ReturnType<typeof assembleHttp>>;

/** The HTTP server with the page and the API; the doors hang on it. It does not listen yet. */
export async function assembleHttp(defer: Defer, parts: DoorParts) {
  const { config, clock } = parts;
  const budget = new AnswerBudget({ bytesMax: config.answers.bytes, bytesMaxEach: config.answers.bytes_each });
  const passwords = new Passwords(clock, { cost: parts.passwordCost });
  const services = {
    ...parts,
    basePath: config.base_path,
    budget,
    commandRate: { perSecond: config.commands.per_second, burst: config.commands.burst },
    copyRest: (folder: string) => copyAllButStore(parts, folder),
    dataDir: config.data_dir,
    mayClaimantsSignUp: config.access.claim_sign_up,
    metrics: parts.metrics.registry,
    passwords,
    queryMsMax: config.limits.query_ms,
    refusalAtDoor: (request: IncomingMessage) => parts.router.refusalOf(request),
    storeLimits: { queueBytesMax: config.store.queue_bytes, retentionDays: config.store.retention_days },
    signIn: new SignIn(clock, { ...parts, passwords }),
    timeZone: zoneNamed(config.site.time_zone),
  };
  const app = await createHttpServer(
    services,
    { handshakeMsMax: config.limits.handshake_ms, stalledMs: config.answers.stalled_ms },
    parts.tls,
    (api) => registerApi(api, services),
  );
  defer("the HTTP server", () => app.close());
  parts.router.attach(app.server);
  return { ...parts, app, budget };
}
