import { once } from "node:events";
import type { Refusal } from "@wattboard/protocol";
import { escapeControls } from "../base/escape-controls.ts";
import { systemErrorCode } from "../base/failure.ts";

/** The server, or the data, said no: the message is the refusal's. */
export class CommandRefused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = "CommandRefused";
    this.refusal = refusal;
  }
}

/** What was asked cannot be done as it was said; for what shows only once a command runs, such as a file that is not there. */
export class WrongUsage extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "WrongUsage";
  }
}

/** One line for a person, or of JSON. Others chose parts of it: no terminal obeys them, and no end of a line is theirs. */
export function printLine(line = ""): void {
  process.stdout.write(`${escapeControls(line)}\n`);
}

/** What went wrong, on standard error. */
export function printError(message: string): void {
  process.stderr.write(`${escapeLines(message)}\n`);
}

/**
 * Passes a file on to standard output, as fast as it is read there, and ends where nobody reads any more. A file or a pipe gets each byte as it
 * is; on a terminal all but the ends of lines is shown and not obeyed.
 */
export async function printFile(pieces: AsyncIterable<string | Uint8Array>): Promise<void> {
  const { stdout } = process;
  const decoder = new TextDecoder();
  const textOf = (piece: string | Uint8Array) =>
    typeof piece === "string" ? piece : decoder.decode(piece, { stream: true });
  try {
    for await (const piece of pieces) {
      if (!stdout.write(stdout.isTTY ? escapeLines(textOf(piece)) : piece)) await once(stdout, "drain");
      // Whoever reads has had enough (`| head`); main.ts has taken the error.
      if (stdout.destroyed || stdout.errored) break;
    }
  } catch (error) {
    if (systemErrorCode(error) !== "EPIPE") throw error;
  }
}

/** Of several lines, whose ends stay. */
function escapeLines(text: string): string {
  return text.split(/\r?\n/).map(escapeControls).join("\n");
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value));
}

/** Columns as wide as their widest cell. */
export function printTable(header: readonly string[], texts: readonly (readonly string[])[]): void {
  const rows = texts.map((row) => row.map(escapeControls));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  for (const row of [header, ...rows]) {
    printLine(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}

/** A line that is written over itself on a terminal; elsewhere at most one line a minute and the last one, so that a log stays short. */
export class LiveLine {
  readonly #stream = process.stderr;
  #printedAtMs = Number.NEGATIVE_INFINITY;
  #isOpen = false;
  /** What no minute has come for yet. */
  #unsaid: string | null = null;

  show(line: string): void {
    const text = escapeControls(line);
    if (this.#stream.isTTY) {
      const fitting = text.slice(0, Math.max(20, this.#stream.columns - 1));
      this.#stream.write(`\r\x1b[K${fitting}`);
      this.#isOpen = true;
      return;
    }
    this.#unsaid = text;
    if (performance.now() - this.#printedAtMs < 60_000) return;
    this.#unsaid = null;
    this.#printedAtMs = performance.now();
    this.#stream.write(`${text}\n`);
  }

  /** Leaves the line as it is and goes on below it. */
  end(): void {
    if (this.#isOpen) this.#stream.write("\n");
    if (this.#unsaid !== null) this.#stream.write(`${this.#unsaid}\n`);
    this.#isOpen = false;
    this.#unsaid = null;
  }
}
