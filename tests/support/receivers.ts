import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { SMTPServer } from "smtp-server";
import { onTestFinished } from "vitest";

interface Mail {
  readonly to: string;
  readonly subject: string;
  /** As it stands on the wire, but for soft line breaks. */
  readonly text: string;
}

/** A mail server on loopback; `isAway` makes it hang up on whoever comes. */
export async function startMailServer() {
  const mails: Mail[] = [];
  const state = { isAway: false };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onConnect: (_, done) => done(state.isAway ? Object.assign(new Error("away"), { responseCode: 421 }) : null),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const text = Buffer.concat(chunks).toString().replaceAll("=\r\n", "");
        const subject = /^Subject: (.*(?:\r\n[ \t].*)*)\r$/m.exec(text)?.[1]?.replaceAll(/\r\n[ \t]/g, " ") ?? "";
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address).join(), subject, text });
        done();
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)));
  const { port } = (server.server as Server).address() as AddressInfo;
  return { url: `smtp://127.0.0.1:${port}`, mails, state };
}

interface Hooked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** A receiver of webhooks on loopback; by default it takes everything. */
export async function startHookServer() {
  const hooked: Hooked[] = [];
  const state: { answer(response: ServerResponse): void } = { answer: (response) => void response.end() };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    hooked.push({ path: request.url ?? "", headers: request.headers, body: JSON.parse(text) });
    state.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, hooked, state };
}
