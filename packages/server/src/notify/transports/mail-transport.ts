import { connect, type Socket } from "node:net";
import { createTransport } from "nodemailer";
import type { GetSocketCallback } from "nodemailer/lib/mailer";
import { systemErrorCode } from "../../base/failure.ts";
import { failed, type Message, type MessageTransport, type Outcome } from "../message.ts";
import type { NotifyChannel } from "../records.ts";

export interface MailSettings {
  /** `smtp://` or `smtps://`, with the name and password of the account. */
  readonly smtpUrl: string;
  readonly from: string;
}

/** Silence of the mail server after which it is given up, ms. */
const silentMsMax = 15_000;

/** Sends e-mail by the mail server of whoever runs this one. Plain text: names of devices come from outside, and mean nothing in it. */
export class MailTransport implements MessageTransport {
  readonly #settings: MailSettings;

  constructor(settings: MailSettings) {
    this.#settings = settings;
  }

  async deliver({ address }: NotifyChannel, message: Message, signal: AbortSignal): Promise<Outcome> {
    if (address.kind !== "email") throw new Error("This is no e-mail address.");
    if (this.#settings.smtpUrl === "") return failed("The server has no notify.smtp_url, by which it could send mail.");
    let socket: Socket | null = null;
    const transport = createTransport({
      ...urlOptions(this.#settings.smtpUrl),
      connectionTimeout: silentMsMax,
      greetingTimeout: silentMsMax,
      socketTimeout: silentMsMax,
      dnsTimeout: silentMsMax,
      // Addresses are lists of addresses to a mailer: this one is one, and files and addresses of the web are never read.
      disableFileAccess: true,
      disableUrlAccess: true,
      getSocket: ({ host, port }: { host?: unknown; port?: unknown }, callback: GetSocketCallback) => {
        socket = connect({ host: String(host), port: Number(port) });
        socket.once("connect", () => callback(null, { connection: socket as Socket }));
        socket.once("error", (error) => callback(error));
      },
    });
    const end = (): void => void socket?.destroy(new Error("It is not waited for any longer."));
    signal.addEventListener("abort", end);
    try {
      await transport.sendMail({
        from: this.#settings.from,
        to: { name: "", address: address.address },
        subject: message.title,
        text: mailText(message),
        // The same at each try, so that a mailbox shows it once.
        messageId: `<${message.messageId}@wattboard>`,
        date: new Date(message.atMs),
        headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
      });
      return { kind: "delivered" };
    } catch (error) {
      return signal.aborted ? failed("The mail server did not answer in time.") : smtpOutcome(error);
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }
}

function urlOptions(smtpUrl: string) {
  const { protocol, hostname, port, username, password } = new URL(smtpUrl);
  const isSecure = protocol === "smtps:";
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (isSecure ? 465 : 587) : Number(port),
    secure: isSecure,
    // A password is not said where others listen.
    requireTLS: username !== "",
    ...(username !== "" && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
  };
}

function mailText({ text, url }: Message): string {
  return url === null ? text : `${text}\n\n${url}`;
}

/** 5xx at the recipient or the text is the mail server's last word; all else, its login included, may be mended within the day. */
function smtpOutcome(error: unknown): Outcome {
  const { code, responseCode } = error as { readonly code?: string; readonly responseCode?: number };
  const isFinal = (code === "EENVELOPE" || code === "EMESSAGE") && responseCode !== undefined && responseCode >= 500;
  const said = responseCode === undefined ? (code ?? systemErrorCode(error) ?? "no answer") : String(responseCode);
  const words: Readonly<Record<string, string>> = {
    EAUTH: "The mail server does not accept the name or the password in notify.smtp_url",
    ECONNECTION: "The mail server cannot be reached",
    ESOCKET: "The mail server cannot be reached",
    ECONNREFUSED: "The mail server cannot be reached",
    ECONNRESET: "The mail server ended the connection",
    EHOSTUNREACH: "The mail server cannot be reached",
    ENETUNREACH: "The mail server cannot be reached",
    ENOTFOUND: "The name of the mail server cannot be resolved",
    EDNS: "The name of the mail server cannot be resolved",
    ETIMEDOUT: "The mail server did not answer in time",
    EENVELOPE: "The mail server does not take mail for this address",
    EMESSAGE: "The mail server does not take the message",
    ETLS: "The mail server's certificate is not accepted",
  };
  return failed(`${words[code ?? ""] ?? "The mail server did not take it"} (${said}).`, isFinal ? "message" : null);
}
