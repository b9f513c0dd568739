import { request as requestInTheClear } from "node:http";
import { request as requestOverTls } from "node:https";
import { Readable } from "node:stream";

interface Init {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

interface NodeRequestOptions {
  /** Of the server of this machine, which is known by its very certificate: that is made out to the name that others use, and may be signed by itself. */
  readonly certificate?: string | undefined;
  /** Told what stands behind the body, before its end is seen. */
  readonly onTrailers?: ((trailers: Readonly<Record<string, string | undefined>>) => void) | undefined;
}

/** A request as `fetch` makes it, for what that cannot be told: which certificate to trust, and to show an answer's trailers. */
export function sendByNode(
  url: string,
  { body, ...init }: Init,
  { certificate, onTrailers }: NodeRequestOptions,
): Promise<Response> {
  const trust =
    certificate === undefined
      ? {}
      : { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  const request = url.startsWith("https:") ? requestOverTls : requestInTheClear;
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...init, ...trust }, (answer) => {
      answer.once("end", () => onTrailers?.(answer.trailers));
      const type = answer.headers["content-type"] ?? "";
      resolve(
        new Response(Readable.toWeb(answer) as ReadableStream, {
          status: answer.statusCode ?? 500,
          headers: { "content-type": type },
        }),
      );
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
