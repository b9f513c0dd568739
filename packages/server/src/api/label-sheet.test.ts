import { inflateSync } from "node:zlib";
import decodeQr from "qr/decode.js";
import { expect, test } from "vitest";
import { type Label, makeLabelSheet } from "./label-sheet.ts";

const labels: Label[] = Array.from({ length: 23 }, (_, at) => ({
  deviceId: `ems_${at}`,
  name: at % 2 === 0 ? "Cellar" : "家の電池",
  code: "7K3QF-9XM2A-C4TWP-0HJ8R",
  url: `https://board.example.org/energy/claim#ems_${at}.7K3QF-9XM2A-C4TWP-0HJ8R`,
}));

/** What is drawn on each page. */
function pagesOf(pdf: Buffer): string[] {
  const pages: string[] = [];
  for (let at = pdf.indexOf("stream\n"); at !== -1; at = pdf.indexOf("stream\n", at + 7)) {
    if (pdf.subarray(at - 3, at).toString() === "end") continue;
    try {
      const text = inflateSync(pdf.subarray(at + 7)).toString("latin1");
      if (text.includes(" re\n")) pages.push(text);
    } catch {
      // No content of a page.
    }
  }
  return pages;
}

/** The QR codes of a page, read as a camera would. */
function codesOf(page: string): string[] {
  return page
    .split(/^f$/m)
    .map((part) =>
      [...part.matchAll(/^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$/gm)].map((found) => found.slice(1).map(Number)),
    )
    .filter((rects) => rects.length > 50)
    .map((rects) => {
      const side = rects[0]?.[3] ?? 1;
      const [x0, y0] = [0, 1].map((axis) => Math.min(...rects.map((rect) => rect[axis] ?? 0))) as [number, number];
      const scale = 4;
      const size = (Math.round((Math.max(...rects.map(([x = 0, , width = 0]) => x + width)) - x0) / side) + 8) * scale;
      const data = new Uint8Array(size * size * 4).fill(255);
      for (const [x = 0, y = 0, width = 0] of rects) {
        const [left, top] = [Math.round((x - x0) / side) + 4, Math.round((y - y0) / side) + 4];
        for (let row = top * scale; row < (top + 1) * scale; row++) {
          const from = (row * size + left * scale) * 4;
          for (let at = from; at < from + Math.round(width / side) * scale * 4; at += 4) data.fill(0, at, at + 3);
        }
      }
      return decodeQr({ width: size, height: size, data });
    });
}

test("each label has its link as a QR code that reads back, 21 on a sheet of A4", async () => {
  let turns = 0;
  const pdf = await makeLabelSheet(labels, async () => void turns++);
  expect(pdf.toString("latin1")).toContain("/MediaBox [0 0 595.28 841.89]");
  const pages = pagesOf(pdf);
  expect(pages.map((page) => codesOf(page).length)).toEqual([21, 2]);
  expect(pages.flatMap(codesOf)).toEqual(labels.map(({ url }) => url));
  expect(turns).toBe(labels.length);
});
