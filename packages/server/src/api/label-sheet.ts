/** What stands on a label. */
export interface Label {
  readonly deviceId: string;
  readonly name: string;
  readonly code: string;
  readonly url: string;
}

const mm = 72 / 25.4;
/** A4 with 3 × 7 labels of 63.5 × 38.1 mm, as label paper is sold everywhere (L7160). */
const sheet = { columns: 3, rows: 7, left: 7.2 * mm, top: 15.1 * mm, stepX: 66 * mm, stepY: 38.1 * mm };
const labelsEach = sheet.columns * sheet.rows;
const qrSide = 30 * mm;
const textWidth = 26 * mm;

/**
 * Labels with which boxes are claimed, as a PDF: each with its link as a QR code, and the device's id and the code to be typed. `nextTurn` comes
 * between labels: a QR code takes a millisecond or two.
 */
export async function makeLabelSheet(labels: readonly Label[], nextTurn: () => Promise<void>): Promise<Buffer> {
  // Loaded where labels are made, and not with every start.
  const [{ default: PdfDocument }, { default: encodeQr }] = await Promise.all([import("pdfkit"), import("qr")]);
  const document = new PdfDocument({ size: "A4", margin: 0, autoFirstPage: false, info: { Title: "Labels" } });
  const pieces: Buffer[] = [];
  document.on("data", (piece: Buffer) => pieces.push(piece));
  const ended = new Promise<void>((resolve, reject) => {
    document.once("end", resolve);
    document.once("error", reject);
  });
  for (const [at, { deviceId, name, code, url }] of labels.entries()) {
    if (at % labelsEach === 0) document.addPage();
    const place = at % labelsEach;
    const x = sheet.left + (place % sheet.columns) * sheet.stepX + 3 * mm;
    const y = sheet.top + Math.floor(place / sheet.columns) * sheet.stepY + 4 * mm;
    drawModules(document, encodeQr(url, "raw", { ecc: "medium", border: 2 }), x, y);
    const textX = x + qrSide + 3 * mm;
    document.font("Helvetica-Bold");
    drawFitting(document, deviceId, textX, y, 10);
    document.font("Helvetica");
    if (name !== deviceId && isPrintable(name)) drawFitting(document, name, textX, y + 13, 7);
    drawFitting(document, claimAddress(url), textX, y + 78, 6);
    document.font("Courier-Bold");
    for (const [line, group] of code.split("-").entries()) drawFitting(document, group, textX, y + 27 + line * 12, 10);
    await nextTurn();
  }
  document.end();
  await ended;
  return Buffer.concat(pieces);
}

/** All dark modules as one filled path, those beside each other as one rectangle. */
function drawModules(
  document: PDFKit.PDFDocument,
  modules: readonly (readonly boolean[])[],
  x: number,
  y: number,
): void {
  const side = qrSide / modules.length;
  for (const [row, line] of modules.entries()) {
    for (let from = line.indexOf(true); from !== -1; ) {
      const end = line.indexOf(false, from);
      const to = end === -1 ? line.length : end;
      document.rect(x + from * side, y + row * side, (to - from) * side, side);
      from = line.indexOf(true, to);
    }
  }
  document.fill("black");
}

/** In one line, as large as it may be and fits beside the code. */
function drawFitting(document: PDFKit.PDFDocument, text: string, x: number, y: number, sizeMax: number): void {
  const width = document.fontSize(sizeMax).widthOfString(text);
  document.fontSize(Math.min(sizeMax, (sizeMax * textWidth) / width)).text(text, x, y, { lineBreak: false });
}

/** Whether the fonts that every PDF reader has can show it. */
function isPrintable(text: string): boolean {
  return /^[\x20-\x7e\xa0-\xff]+$/.test(text);
}

/** Where the code can be typed. */
function claimAddress(url: string): string {
  return url.slice(0, url.indexOf("#")).replace(/^https?:\/\//, "");
}
