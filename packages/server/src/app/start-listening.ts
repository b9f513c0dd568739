import type { Server as TlsServer } from "node:https";
import { ControlFileKeeper } from "../access/control-file.ts";
import { listen } from "../http/listen.ts";
import { readTls } from "../http/tls-files.ts";
import type { HttpParts } from "./assemble-http.ts";
import type { Defer } from "./closing.ts";
import { addressForPeople } from "./public-url.ts";

export interface Listening {
  /** Where the server listens: `http://127.0.0.1:8000`, and its base path. */
  readonly url: string;
  /** The same for people, on other machines too: what links begin with. */
  readonly publicUrl: string;
  /**
   * Opens log files anew, and reads certificate and key anew: new connections get them. Throws a `Failure` (`invalid_config`) where those do not
   * fit, and goes on with the old ones.
   */
  reload(): void;
}

/** Listens, and tells the command line of this machine where. A stop begins with what is deferred here. */
export async function startListening(defer: Defer, parts: HttpParts): Promise<Listening> {
  const { config, clock, log, revocations, health, presence, generalLog, links, localToken, app, tls } = parts;
  const url = await listen(app, config, tls !== null);
  defer("the links", () => {
    log.info({ links: links.all().length }, "stopping");
    health.stopping();
    presence.stop();
    return links.drain(clock);
  });
  const controlFile = new ControlFileKeeper(config.data_dir, clock, log, revocations);
  defer("control.json", () => controlFile.close());
  const writeControlFile = (certificate: Buffer | undefined): void =>
    controlFile.write({
      url: url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:"),
      token: localToken,
      ...(certificate !== undefined && { certificate: certificate.toString() }),
    });
  writeControlFile(tls?.cert);
  health.started();
  const publicUrl = parts.publicUrl ?? addressForPeople(url);
  parts.notifications.start(publicUrl);
  return {
    url,
    publicUrl,
    reload() {
      generalLog?.reopen();
      const fresh = readTls(config);
      if (fresh === null) return;
      Object.assign(tls ?? {}, fresh);
      // With TLS files the server is one of TLS; Fastify's type does not know it.
      (app.server as unknown as TlsServer).setSecureContext(fresh);
      writeControlFile(fresh.cert);
    },
  };
}
