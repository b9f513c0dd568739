import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { expect, onTestFinished, test } from "vitest";
import { failed } from "../message.ts";
import { channelTo, hostileMessage } from "./local-receiver.fixture.ts";
import { MailTransport } from "./mail-transport.ts";

const signal = new AbortController().signal;
const ada = channelTo({ kind: "email", address: "ada@example.org" });

async function startMailServer(
  options: SMTPServerOptions = {},
): Promise<{ transport: MailTransport; mails: string[] }> {
  const mails: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false || mailFrom === null ? "" : mailFrom.address;
        mails.push(`${from} -> ${rcptTo.map(({ address }) => address)}\n${Buffer.concat(chunks)}`);
        done();
      });
    },
    ...options,
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)));
  return { transport: transportTo((server.server as Server).address() as AddressInfo), mails };
}

function transportTo({ port }: AddressInfo): MailTransport {
  return new MailTransport({ smtpUrl: `smtp://127.0.0.1:${port}`, from: "Wattboard <board@example.org>" });
}

test("a mail is plain text, to one address, with the same id at each try", async () => {
  const { transport, mails } = await startMailServer();
  expect(await transport.deliver(ada, hostileMessage, signal)).toEqual({ kind: "delivered" });
  await transport.deliver(ada, hostileMessage, signal);
  const [mail = "", again = ""] = mails;
  expect(mail).toMatch(/^board@example\.org -> ada@example\.org\n/);
  expect(mail).toMatch(/^Content-Type: text\/plain; charset=utf-8\r$/m);
  expect(mail).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  expect(mail).toContain("https://board.example.org/alarms/alm_1");
  const id = /^Message-ID: (.*)\r$/m;
  expect(id.exec(mail)?.[1]).toBe(`<${hostileMessage.messageId}@wattboard>`);
  expect(id.exec(again)?.[1]).toBe(id.exec(mail)?.[1]);
});

test.each([
  "a\r\nBcc: eve@example.org",
  "a\nTo: eve@example.org\n\nbody",
  "a\u2028Bcc: eve@example.org",
  "=?utf-8?q?a=0D=0ABcc:_eve@example.org?=",
])("no name begins a header of its own: %j", async (title) => {
  const { transport, mails } = await startMailServer();
  await transport.deliver(ada, { ...hostileMessage, title, text: `${title}\r\n.\r\nMAIL FROM:<x@y>` }, signal);
  const [head = ""] = mails[0]?.split("\r\n\r\n") ?? [];
  expect(mails).toHaveLength(1);
  expect(head.match(/^(?:Bcc|To):.*$/gim)).toEqual(["To: ada@example.org\r"].map((line) => line.trim()));
});

test("an address that is a list, or has a name, goes nowhere else", async () => {
  const { transport, mails } = await startMailServer();
  await transport.deliver(
    channelTo({ kind: "email", address: "ada@example.org, eve@example.org" }),
    hostileMessage,
    signal,
  );
  expect(mails.filter((mail) => mail.split("\n", 1)[0]?.includes("eve@"))).toEqual([]);
});

test("what the mail server refuses for good is not tried again; what it refuses for now is", async () => {
  const refusing = (responseCode: number) =>
    startMailServer({ onRcptTo: (_, __, done) => done(Object.assign(new Error("no"), { responseCode })) });
  const forGood = await refusing(550);
  expect(await forGood.transport.deliver(ada, hostileMessage, signal)).toEqual(
    failed("The mail server does not take mail for this address (550).", "message"),
  );
  const forNow = await refusing(451);
  expect(await forNow.transport.deliver(ada, hostileMessage, signal)).toMatchObject({ final: null });
});

test("a mail server that is away, or hangs, is worth another try", async () => {
  const silent = createServer((socket: Socket) => void socket.resume().on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void silent.close());
  const controller = new AbortController();
  const hanging = transportTo(silent.address() as AddressInfo).deliver(ada, hostileMessage, controller.signal);
  const socket = await new Promise<Socket>((resolve) => silent.once("connection", resolve));
  controller.abort();
  expect(await hanging).toEqual(failed("The mail server did not answer in time."));
  await new Promise((resolve) => (socket.destroyed ? resolve(null) : socket.once("close", resolve)));
  const away = new MailTransport({ smtpUrl: "smtp://127.0.0.1:1", from: "a@example.org" });
  expect(await away.deliver(ada, hostileMessage, signal)).toMatchObject({
    final: null,
    cause: expect.stringContaining("The mail server cannot be reached"),
  });
});

test("a password is said over TLS alone, and stands in no fault", async () => {
  const { transport: _, mails } = await startMailServer();
  const server = new SMTPServer({ disabledCommands: ["STARTTLS"], authOptional: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)));
  const { port } = (server.server as Server).address() as AddressInfo;
  const transport = new MailTransport({ smtpUrl: `smtp://board:s3cret@127.0.0.1:${port}`, from: "a@example.org" });
  const delivery = await transport.deliver(ada, hostileMessage, signal);
  expect(delivery).toMatchObject({ kind: "failed", final: null });
  expect(JSON.stringify(delivery)).not.toContain("s3cret");
  expect(mails).toEqual([]);
});
