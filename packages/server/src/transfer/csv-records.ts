/** One cell, and whether it stood in quotes. */
export interface Cell {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** A row of the file, or what is wrong with it. Its last line counts from 1. */
export type CsvRecord =
  | { readonly line: number; readonly cells: readonly Cell[] }
  | { readonly line: number; readonly fault: string };

/** Characters of a row. Above it a quote is missing, or this is no CSV: it goes on with the next line. */
const recordLengthMax = 1024 * 1024;
const cellsMax = 1_000;
/** Characters of a cell: what a message may hold, and nothing longer could be stored. */
const cellLengthMax = 16 * 1024;

const faults = {
  misquoted: `A quote stands in the middle of a cell; a cell with quotes in it must stand in quotes, and they are doubled: "say ""hi""".`,
  unclosed: "A cell begins with a quote that is never closed.",
  tooLong: `The row is longer than ${recordLengthMax} characters. Is a quote missing?`,
  tooMany: `The row has more than ${cellsMax} cells.`,
  tooLongCell: `A cell is longer than ${cellLengthMax} characters.`,
} as const;

/** Where it stands: before a cell, in one, behind a quote that ends it or is the first of two, or in a row that cannot be read. */
type CellPlace = "before" | "bare" | "quoted" | "behind quote" | "lost";

/**
 * Takes a CSV apart (RFC 4180; any separator of one sign; lines may end in CR, LF or both), piece by piece as the file is read: each sign is looked
 * at once, and what is held does not grow with the file. It is our own because a row tells here whether each cell stood in quotes and whether a
 * quote stands wrong, and because whoever wrote the file may have chosen it to cost as much as it can.
 */
export class CsvSplitter {
  readonly #separator: string;
  #place: CellPlace = "before";
  #cell = "";
  #isQuoted = false;
  #cells: Cell[] = [];
  #length = 0;
  #fault: string | null = null;
  #line = 0;
  #isAfterReturn = false;

  constructor(separator: string) {
    this.#separator = separator;
  }

  /** The rows that end within this piece. */
  *push(text: string): Generator<CsvRecord> {
    /** Where in the piece that begins which the cell does not hold yet. */
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const sign = text[at] as string;
      const isEnd = sign === "\n" || sign === "\r";
      const isSecondOfEnd = sign === "\n" && this.#isAfterReturn;
      this.#isAfterReturn = sign === "\r";
      if (isSecondOfEnd && this.#place === "before" && this.#length === 0) continue;
      if (++this.#length > recordLengthMax && !isEnd) this.#lose();
      switch (this.#place) {
        case "before":
          if (sign === '"') {
            this.#place = "quoted";
            this.#isQuoted = true;
            from = at + 1;
          } else if (sign === this.#separator || isEnd) this.#endCell();
          else {
            this.#place = "bare";
            from = at;
          }
          break;
        case "bare":
          if (sign === '"') this.#fault ??= faults.misquoted;
          else if (sign === this.#separator || isEnd) {
            this.#add(text.slice(from, at));
            this.#endCell();
          }
          break;
        case "quoted":
          if (sign === '"') {
            this.#add(text.slice(from, at));
            this.#place = "behind quote";
          } else if (sign === "\n") this.#line++;
          break;
        case "behind quote":
          if (sign === '"') {
            // The first of two: the second is the cell's.
            this.#place = "quoted";
            from = at;
          } else if (sign === this.#separator || isEnd) this.#endCell();
          else {
            this.#fault ??= faults.misquoted;
            this.#place = "bare";
            from = at;
          }
          break;
        case "lost":
          break;
      }
      if (isEnd && this.#place !== "quoted") yield* this.#endRecord();
    }
    if (this.#place === "bare" || this.#place === "quoted") this.#add(text.slice(from));
  }

  /** The last row, where no end of line stands behind it. */
  *end(): Generator<CsvRecord> {
    if (this.#length === 0) return;
    if (this.#place === "quoted") this.#fault ??= faults.unclosed;
    this.#endCell();
    yield* this.#endRecord();
  }

  #add(text: string): void {
    if (this.#cell.length + text.length > cellLengthMax) this.#fault ??= faults.tooLongCell;
    else this.#cell += text;
  }

  #endCell(): void {
    if (this.#cells.length < cellsMax) this.#cells.push({ text: this.#cell, isQuoted: this.#isQuoted });
    else this.#fault ??= faults.tooMany;
    this.#cell = "";
    this.#isQuoted = false;
    this.#place = "before";
  }

  #lose(): void {
    this.#fault = faults.tooLong;
    this.#place = "lost";
    this.#cell = "";
    this.#cells = [];
  }

  /** Nothing for a line that is empty. */
  *#endRecord(): Generator<CsvRecord> {
    this.#line++;
    const [first, second] = this.#cells;
    const isEmpty = second === undefined && first?.text === "" && !first.isQuoted;
    if (this.#fault !== null) yield { line: this.#line, fault: this.#fault };
    else if (!isEmpty) yield { line: this.#line, cells: this.#cells };
    this.#cells = [];
    this.#cell = "";
    this.#isQuoted = false;
    this.#fault = null;
    this.#length = 0;
    this.#place = "before";
  }
}
