import type { FastifyReply } from "fastify";
import { visitInSlices } from "../base/time-slices.ts";
import { pageBytes } from "./page-bytes.ts";

/** Some rows of a list, written already. */
export interface JsonPage<Row> {
  /** With commas between them. */
  readonly rows: string;
  /** The last row of the page; undefined where there is none. */
  readonly last: Row | undefined;
  /** Whether there are rows behind the page. */
  readonly isMore: boolean;
}

/**
 * Writes the rows of a page: at most `limit`, and none behind the one with which it has about 1 MiB. The event loop has its turns meanwhile, so
 * `rows` had better be a generator that looks at what there is only when it is asked for.
 */
export async function writePage<Row>(
  rows: Iterable<Row>,
  limit: number,
  bodyOf: (row: Row) => object,
): Promise<JsonPage<Row>> {
  let text = "";
  let count = 0;
  let last: Row | undefined;
  let isMore = false;
  await visitInSlices(rows, (row) => {
    isMore = count === limit || text.length >= pageBytes;
    if (isMore) return false;
    text += `${count++ === 0 ? "" : ","}${JSON.stringify(bodyOf(row))}`;
    last = row;
    return true;
  });
  return { rows: text, last, isMore };
}

/** Sends the page under its name, with what else the answer tells. */
export function sendPage(reply: FastifyReply, name: string, { rows }: JsonPage<unknown>, rest: object): FastifyReply {
  const others = JSON.stringify(rest).slice(1, -1);
  return reply
    .type("application/json; charset=utf-8")
    .send(`{${JSON.stringify(name)}:[${rows}]${others === "" ? "" : `,${others}`}}`);
}
