import type { IncomingMessage } from "node:http";
import type { ApiTokens } from "./api-tokens.ts";
import type { Principal } from "./principal.ts";
import { bearerToken, hashToken, tokenMatches } from "./tokens.ts";

export interface GateSettings {
  /** `public`: whoever reaches the server may look. `people`: only who bears a token. */
  readonly dashboards: "public" | "people";
  /** Further browser origins that may connect, e.g. `https://board.example.org`. */
  readonly origins: readonly string[];
  /** Whether the server listens on loopback only. */
  readonly loopbackOnly: boolean;
  /** The token that the command line of this machine uses while the server runs. */
  readonly localToken: string;
}

/** Whoever looks where dashboards are public. */
export const anonymousViewer: Principal = { name: "anonymous", role: "viewer" };

/** Who is asking, and from which page. */
export class Gate {
  readonly #settings: GateSettings;
  readonly #apiTokens: ApiTokens;
  readonly #localToken: ReturnType<typeof hashToken>;

  constructor(settings: GateSettings, apiTokens: ApiTokens) {
    this.#settings = settings;
    this.#apiTokens = apiTokens;
    this.#localToken = hashToken(settings.localToken);
  }

  /** The bearer of the request's token; without a token a viewer where dashboards are public; else null. */
  identify(authorization: string | undefined): Principal | null {
    const token = bearerToken(authorization);
    if (token !== null) {
      if (tokenMatches(token, this.#localToken)) return { name: "local", role: "admin" };
      return this.#apiTokens.authenticate(token);
    }
    return authorization === undefined && this.#settings.dashboards === "public" ? anonymousViewer : null;
  }

  /**
   * Whether a browser's page may open a WebSocket here. A request without an Origin comes from no browser. The page must come from this
   * very server or from a listed origin; on loopback the name must be loopback's too, or any site could point a name of its own here.
   */
  isOriginAllowed(request: IncomingMessage): boolean {
    const { origin, host } = request.headers;
    if (origin === undefined) return true;
    if (this.#settings.origins.includes(origin)) return true;
    if (!URL.canParse(origin) || host === undefined) return false;
    return new URL(origin).host === host && this.isHostAllowed(host);
  }

  /**
   * Whether this server answers to the name. On loopback it has to be a loopback name, or that of a listed origin: otherwise any site could
   * point a name of its own at this machine, and its pages would read what is public here (DNS rebinding).
   */
  isHostAllowed(host: string | undefined): boolean {
    if (!this.#settings.loopbackOnly || host === undefined) return true;
    return isLoopbackName(hostnameOf(host)) || this.#settings.origins.some((origin) => new URL(origin).host === host);
  }
}

/** Host name of a Host header: `127.0.0.1` of `127.0.0.1:8000`. */
function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

export function isLoopbackName(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname === "::1" || /^127(\.\d+){3}$/.test(hostname);
}
