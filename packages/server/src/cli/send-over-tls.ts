import { request } from "node:https";
import { Readable } from "node:stream";

interface TlsInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/**
 * A request to the server of this machine, which is known by its very certificate: that is made out to the name that others use, and may be
 * signed by itself. `fetch` cannot be told so.
 */
export function sendOverTls(url: string, { body, ...init }: TlsInit, certificate: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { ...init, ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined },
      (answer) => {
        const type = answer.headers["content-type"] ?? "";
        resolve(
          new Response(Readable.toWeb(answer) as ReadableStream, {
            status: answer.statusCode ?? 500,
            headers: { "content-type": type },
          }),
        );
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}
