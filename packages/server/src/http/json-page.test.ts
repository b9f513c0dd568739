import fc from "fast-check";
import { expect, test } from "vitest";
import { type JsonPage, writePage } from "./json-page.ts";
import { pageBytes } from "./page-bytes.ts";

interface Row {
  readonly at: number;
  readonly text: string;
}

test("pages have at most so many rows and about so many bytes, and together every row once", async () => {
  const sizes = fc.array(fc.constantFrom(1, 1_000, pageBytes / 3, 2 * pageBytes), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 9 }), async (lengths, limit) => {
      const rows = lengths.map((length, at): Row => ({ at, text: "x".repeat(length) }));
      const found: Row[] = [];
      for (let page: JsonPage<Row> | undefined; page?.isMore ?? true; ) {
        page = await writePage(rows.slice((page?.last?.at ?? -1) + 1), limit, (row) => row);
        const written = JSON.parse(`[${page.rows}]`) as Row[];
        expect(written.length).toBeLessThanOrEqual(limit);
        // Only the last row of a page may bring it above the bound, and a page with rows behind it is full.
        expect(page.rows.length - JSON.stringify(written.at(-1) ?? "").length).toBeLessThanOrEqual(pageBytes);
        if (page.isMore) expect(written.length === limit || page.rows.length >= pageBytes).toBe(true);
        found.push(...written);
      }
      expect(found).toEqual(rows);
    }),
    { numRuns: 30 },
  );
});
