import type { IncomingMessage } from "node:http";
import type { AddressList } from "./address-list.ts";
import type { ApiTokens } from "./api-tokens.ts";
import { type CookieName, readCookie } from "./cookies.ts";
import type { LoginSession, LoginSessions } from "./login-sessions.ts";
import type { People } from "./people.ts";
import { hasRole, noDevices, type Principal } from "./principal.ts";
import type { ShareLinks, ShareSession } from "./share-links.ts";
import type { SignInSource } from "./sign-in.ts";
import { bearerToken, hashToken, tokenMatches } from "./tokens.ts";
import { normalOrigin, plainAddress, type TrustedProxies } from "./trusted-proxies.ts";

export interface AuthorizerSettings {
  /** `public`: whoever reaches the server may look. `people`: only who is signed in, bears a token or has a share link. */
  readonly dashboards: "public" | "people";
  /** Further browser origins that may connect, e.g. `https://board.example.org`. */
  readonly origins: readonly string[];
  /** Whether the server listens on loopback only. */
  readonly loopbackOnly: boolean;
  /** Whether it is told to speak without TLS beyond loopback to whoever asks. */
  readonly isInsecure: boolean;
  /** From where `/metrics` may be read without a token. */
  readonly metricsFrom: AddressList;
  /** The token that the command line of this machine uses while the server runs. */
  readonly localToken: string;
}

export interface AuthorizerDomain {
  readonly apiTokens: ApiTokens;
  readonly people: People;
  readonly sessions: LoginSessions;
  readonly shareLinks: ShareLinks;
  readonly proxies: TrustedProxies;
}

const everyDevice = (): boolean => true;

/** Whoever looks where dashboards are public. */
const anonymousViewer: Principal = {
  kind: "anonymous",
  name: "anonymous",
  sinceMs: null,
  role: "viewer",
  devices: null,
  sharedDevices: noDevices,
  isCurrent: everyDevice,
};

/** The command line of the server's own machine. */
export const localPrincipal: Principal = { ...anonymousViewer, kind: "local", name: "local", role: "admin" };

/** Who is asking, from which page and from where, and what they may do. The one place that decides. */
export class Authorizer {
  readonly #settings: AuthorizerSettings;
  readonly #parts: AuthorizerDomain;
  readonly #localToken: ReturnType<typeof hashToken>;
  /** As browsers write them. */
  readonly #origins: ReadonlySet<string>;

  constructor(settings: AuthorizerSettings, parts: AuthorizerDomain) {
    this.#settings = settings;
    this.#parts = parts;
    this.#localToken = hashToken(settings.localToken);
    this.#origins = new Set(settings.origins.map((origin) => normalOrigin(origin) ?? origin));
  }

  /**
   * Who asks: the bearer of the request's token; else who is signed in in this browser or has opened a share link there; else a viewer where
   * dashboards are public; else null. Cookies count only where the request comes from this server's own pages.
   */
  identify(request: IncomingMessage): Principal | null {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const token = bearerToken(authorization);
      if (token === null) return null;
      return tokenMatches(token, this.#localToken) ? localPrincipal : this.#parts.apiTokens.authenticate(token);
    }
    const known =
      request.headers.cookie !== undefined && this.#mayUseCookies(request) ? this.#fromCookies(request) : null;
    return known ?? (this.#settings.dashboards === "public" ? anonymousViewer : null);
  }

  /** Whether they may see the device. Who may not is told the same as of a device that does not exist. */
  mayView(principal: Principal | null, deviceId: string): boolean {
    if (principal === null || !principal.isCurrent()) return false;
    const { devices, sharedDevices } = principal;
    const isGiven = devices === null || devices.has(deviceId) || sharedDevices.has(deviceId);
    return isGiven || this.#settings.dashboards === "public";
  }

  /** Whether they may see every device, those to come as well, and what concerns the server as a whole. */
  mayViewAll(principal: Principal | null): boolean {
    if (principal === null || !principal.isCurrent()) return false;
    return principal.devices === null || this.#settings.dashboards === "public";
  }

  /** Whether they may command the device, and hand out links to look at it. */
  mayCommand(principal: Principal | null, deviceId: string): boolean {
    if (principal === null || !principal.isCurrent() || !hasRole(principal, "operator")) return false;
    return principal.devices === null || principal.devices.has(deviceId);
  }

  /**
   * Whether they may read the metrics, which tell of the server as a whole: who may see all, and whoever asks from a listed address. What a proxy
   * that is not declared passes on comes from the proxy's address, and counts as from nowhere.
   */
  mayViewMetrics(request: IncomingMessage, principal: Principal | null): boolean {
    const { proxies } = this.#parts;
    const isListed = this.#settings.metricsFrom.has(this.addressOf(request)) && !proxies.isForwardedByOthers(request);
    return isListed || this.mayViewAll(principal);
  }

  /** Whether they are told who else has an account: whoever has one, or a token, of their own. */
  mayViewNames(principal: Principal | null): boolean {
    return principal !== null && principal.kind !== "anonymous" && principal.kind !== "share";
  }

  /** The session of the person who asks, where a cookie says who it is. */
  sessionOf(request: IncomingMessage): LoginSession | null {
    const secret = this.readCookie(request, "session");
    return secret === null || !this.#mayUseCookies(request) ? null : (this.#parts.sessions.find(secret) ?? null);
  }

  shareSessionOf(request: IncomingMessage): ShareSession | undefined {
    const secret = this.readCookie(request, "share");
    return secret === null || !this.#mayUseCookies(request) ? undefined : this.#parts.shareLinks.findSession(secret);
  }

  readCookie(request: IncomingMessage, name: CookieName): string | null {
    return readCookie(request.headers.cookie, name, this.hasSecureCookies(request));
  }

  /**
   * Whether the browser takes cookies that are for TLS alone; Safari does not take them on loopback. A listed origin says that a proxy which was
   * not declared speaks TLS under this name.
   */
  hasSecureCookies(request: IncomingMessage): boolean {
    if (this.#parts.proxies.isSecure(request)) return true;
    const origin = normalOrigin(`https://${this.#parts.proxies.hostOf(request)}`);
    return origin !== null && this.#origins.has(origin);
  }

  /** From where the request comes; through a declared proxy, from where that was asked. */
  addressOf(request: IncomingMessage): string {
    return this.#parts.proxies.addressOf(request);
  }

  /** Whether somebody asks from the server's own machine, as far as can be told: what a proxy that is not declared passes on comes from elsewhere. */
  isOnMachine(request: IncomingMessage): boolean {
    return isLoopbackName(this.addressOf(request)) && !this.#parts.proxies.isForwardedByOthers(request);
  }

  /** The name under which the server was asked for, as the request or a declared proxy says. */
  hostOf(request: IncomingMessage): string | undefined {
    return this.#parts.proxies.hostOf(request);
  }

  /** From where somebody tries to sign in. */
  signInSourceOf(request: IncomingMessage): SignInSource {
    return { address: this.addressOf(request), browser: this.readCookie(request, "browser") };
  }

  /** The origin at which the request was made, as far as it tells; null where it does not. */
  originOf(request: IncomingMessage): string | null {
    return this.#parts.proxies.originOf(request);
  }

  /** Whether what is said here could be read on its way: without TLS only this machine and the declared proxies are listened to, unless told otherwise. */
  isTransportAllowed(request: IncomingMessage): boolean {
    const address = plainAddress(request.socket.remoteAddress);
    const { proxies } = this.#parts;
    return this.#settings.isInsecure || proxies.isSecure(request) || isLoopbackName(address) || proxies.has(address);
  }

  /**
   * Whether a browser's page may ask here for more than anyone may. A request without an Origin comes from no browser. The page must come from
   * this very server, scheme, name and port, or from a listed origin; on loopback the name must be loopback's too, or any site could point a
   * name of its own here.
   */
  isOriginAllowed(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return true;
    const normal = normalOrigin(origin);
    if (normal === null) return false;
    return (
      this.#origins.has(normal) || (normal === this.#parts.proxies.originOf(request) && this.isHostAllowed(request))
    );
  }

  /**
   * Whether this server answers to the name. On loopback it has to be a loopback name, or that of a listed origin: otherwise any site could
   * point a name of its own at this machine, and its pages would read what is public here (DNS rebinding).
   */
  isHostAllowed(request: IncomingMessage): boolean {
    const host = this.#parts.proxies.hostOf(request);
    if (!this.#settings.loopbackOnly || host === undefined) return true;
    if (isLoopbackName(hostnameOf(host))) return true;
    return ["http", "https"].some((scheme) => this.#origins.has(normalOrigin(`${scheme}://${host}`) ?? ""));
  }

  /**
   * Whether the cookies that came with it count. What changes something, and every WebSocket, needs an Origin with them: browsers always send one
   * there, and nothing else has cookies. Without one `Sec-Fetch-Site` says which page asks (W3C Fetch Metadata): SameSite=Strict lets the cookies
   * through from every port of the same host.
   */
  #mayUseCookies(request: IncomingMessage): boolean {
    const { origin, upgrade, "sec-fetch-site": site } = request.headers;
    if (origin !== undefined) return this.isOriginAllowed(request);
    const isSafe = (request.method === "GET" || request.method === "HEAD") && upgrade === undefined;
    return isSafe && (site === undefined || site === "same-origin" || site === "none");
  }

  #fromCookies(request: IncomingMessage): Principal | null {
    const { people, sessions, shareLinks } = this.#parts;
    const session = this.sessionOf(request);
    const person = session === null ? undefined : people.find(session.person);
    const shared = this.shareSessionOf(request);
    const links = shared === undefined ? [] : shareLinks.currentLinks(shared);
    const sharedDevices = links.length === 0 ? noDevices : new Set(links.map(({ deviceId }) => deviceId));
    const isShareCurrent = shared === undefined ? everyDevice : () => shareLinks.isCurrent(shared, links);
    if (session !== null && person !== undefined) {
      return {
        kind: "person",
        name: person.name,
        sinceMs: person.createdAtMs,
        role: person.role,
        devices: person.devices,
        sharedDevices,
        isCurrent: () => sessions.isCurrent(session) && people.find(person.name) === person && isShareCurrent(),
      };
    }
    const [link] = links;
    if (link === undefined) return null;
    return {
      kind: "share",
      name: "share link",
      sinceMs: null,
      role: "viewer",
      devices: noDevices,
      sharedDevices,
      isCurrent: isShareCurrent,
    };
  }
}

/** Host name of a Host header: `127.0.0.1` of `127.0.0.1:8000`. */
function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

export function isLoopbackName(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname === "::1" || /^127(\.\d+){3}$/.test(hostname);
}
