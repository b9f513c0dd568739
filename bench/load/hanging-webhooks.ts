import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** What one person may have. */
const channelsEach = 10;

/** People whose webhooks take the connection and never answer. */
export class HangingWebhooks {
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #tests: (() => Promise<number>)[];

  private constructor(server: Server, sockets: Set<Socket>, tests: (() => Promise<number>)[]) {
    this.#server = server;
    this.#sockets = sockets;
    this.#tests = tests;
  }

  /** Makes accounts on a server that allows loopback, and signs them in. */
  static async open(api: { readonly url: string; readonly token: string }, webhooks: number): Promise<HangingWebhooks> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const tests: (() => Promise<number>)[] = [];
    for (let person = 0; tests.length < webhooks; person++) {
      const cookie = await signIn(api, `person_${person}`);
      const headers = { cookie, origin: api.url };
      for (let at = 0; at < channelsEach && tests.length < webhooks; at++) {
        const made = await ask<{ channel: { channel_id: string } }>(api.url, "/me/channels", headers, {
          kind: "webhook",
          url: `${hook}${at}`,
        });
        const path = `/api/v1/me/channels/${made.channel.channel_id}/test`;
        tests.push(async () => (await fetch(api.url + path, { method: "POST", headers })).status);
      }
    }
    return new HangingWebhooks(server, sockets, tests);
  }

  /** Connections that wait for an answer. */
  get hangingCount(): number {
    return this.#sockets.size;
  }

  /** Has something sent to each. */
  async ring(): Promise<void> {
    for (const test of this.#tests) {
      const status = await test();
      if (status !== 202) throw new Error(`A test was answered ${status}.`);
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function signIn({ url, token }: { readonly url: string; readonly token: string }, name: string): Promise<string> {
  const invited = await ask<{ link: { path: string } }>(
    url,
    "/people",
    { authorization: `Bearer ${token}` },
    { name, role: "viewer", devices: null },
  );
  const secret = invited.link.path.slice(invited.link.path.indexOf("#") + 1);
  const redeemed = await fetch(`${url}/api/v1/one-time-links/redeem`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url },
    body: JSON.stringify({ token: secret, password: "a long enough one" }),
  });
  if (!redeemed.ok) throw new Error(`Signing in was answered ${redeemed.status}.`);
  return redeemed.headers
    .getSetCookie()
    .map((header) => header.split(";", 1)[0])
    .join("; ");
}

async function ask<T>(url: string, path: string, headers: Readonly<Record<string, string>>, body: object): Promise<T> {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}
