import { get, type RequestOptions, request } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

export interface WireAnswer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly trailers: Readonly<Record<string, string | undefined>>;
  /** As they came: `fetch` would unpack them. */
  readonly bytes: Buffer;
}

/** An answer as it is on the wire. Nothing is asked for but what `headers` say. */
export function askWire(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  { body, ...options }: Pick<RequestOptions, "method"> & { readonly body?: string } = {},
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const ask = body === undefined ? get : request;
    const sent = ask(url, { ...options, headers }, async (response) => {
      const bytes = Buffer.concat((await response.toArray().catch(reject)) ?? []);
      resolve({ status: response.statusCode, headers: response.headers, trailers: response.trailers, bytes });
    }).on("error", reject);
    if (body !== undefined) sent.end(body);
  });
}

/** What the bytes of an answer say, however they are packed. */
export function unpacked({ headers, bytes }: WireAnswer): Buffer {
  const coding = headers["content-encoding"];
  return coding === "br" ? brotliDecompressSync(bytes) : coding === "gzip" ? gunzipSync(bytes) : bytes;
}
