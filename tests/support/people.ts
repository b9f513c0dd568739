import type { IssuedLinkBody, MeBody, PersonBody, Problem } from "@wattboard/protocol";
import { openDevice, tryOpenSocket } from "./sockets.ts";
import { startServer, type TestServer, type TestServerOptions } from "./start-server.ts";
import { sampleOf } from "./telemetry.ts";

/** A browser as far as the API goes: it keeps its cookies, and says from which page it comes. */
export class BrowserLike {
  readonly url: string;
  cookies = new Map<string, string>();
  /** The page's origin, as a browser sends it. */
  origin: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.url = url;
    this.origin = new URL(url).origin;
    this.headers = headers;
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** What a browser puts into a handshake. */
  get handshake(): Record<string, string> {
    return { ...this.headers, origin: this.origin, ...(this.cookies.size > 0 && { cookie: this.cookie }) };
  }

  async ask(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { ...this.handshake, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    for (const header of response.headers.getSetCookie()) {
      const [pair = ""] = header.split(";");
      const at = pair.indexOf("=");
      const name = pair.slice(0, at);
      if (/max-age=0/i.test(header)) this.cookies.delete(name);
      else this.cookies.set(name, pair.slice(at + 1));
    }
    return response;
  }

  async json<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.ask(method, path, body);
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  signIn(account: string, password = `${account}'s long password`): Promise<MeBody> {
    return this.json("POST", "/session", { account, password });
  }

  redeem(path: string, more: object = {}): Promise<MeBody> {
    return this.json("POST", "/one-time-links/redeem", { token: tokenOf(path), ...more });
  }
}

/** The secret of a link. */
export function tokenOf(path: string): string {
  return path.slice(path.indexOf("#") + 1);
}

interface WithSetup {
  readonly url: string;
  readonly setupLink: { readonly path: string } | null;
}

/** The administrator of a new server, signed in. */
export async function createAdministrator(server: WithSetup): Promise<BrowserLike> {
  const browser = new BrowserLike(server.url);
  await browser.redeem(server.setupLink?.path ?? "", { name: "root", password: "root's long password" });
  return browser;
}

/** Somebody with these rights, who has used the invitation and is signed in. */
export async function invite(
  admin: BrowserLike,
  name: string,
  rights: { readonly role: string; readonly devices: readonly string[] | null },
): Promise<BrowserLike> {
  const { link } = await admin.json<{ person: PersonBody; link: IssuedLinkBody }>("POST", "/people", {
    name,
    ...rights,
  });
  const browser = new BrowserLike(admin.url);
  await browser.redeem(link.path, { password: `${name}'s long password` });
  return browser;
}

/** A server on which whoever looks has to sign in. */
export const forPeople = { settings: { "access.dashboards": "people" } };

/** Two devices that send, the administrator, and ann, who was given one of them. */
export async function startWithOwner(options: TestServerOptions = {}) {
  const server = await startServer({ ...forPeople, ...options });
  for (const deviceId of ["mine", "foreign"]) {
    const device = await openDevice(server.wsUrl, deviceId, server.addDevice(deviceId));
    device.send(sampleOf(deviceId));
  }
  const admin = await createAdministrator(server);
  const ann = await invite(admin, "ann", { role: "operator", devices: ["mine"] });
  return { server, admin, ann };
}

export async function problemOf(response: Response): Promise<Problem> {
  return (await response.json()) as Problem;
}

/** The status of a dashboard's handshake from this browser; 101 where it is let in. */
export async function knock(server: TestServer, browser: BrowserLike, path: string): Promise<number> {
  const answer = await tryOpenSocket(server.wsUrl + path, { headers: browser.handshake });
  return "status" in answer ? answer.status : 101;
}
