import { createInterface } from "node:readline/promises";
import { InvalidArgumentError } from "commander";
import { WrongUsage } from "./report.ts";

/** Something that a command must know: given as a flag, asked for in the terminal, or taken as usual. */
export interface Prompt<T> {
  readonly text: string;
  /** The flag that answers it too. */
  readonly flag: string;
  readonly usual: T;
  /** Throws `InvalidArgumentError` with what is wrong, in words. */
  readonly parse: (text: string) => T;
  /** How an answer is written; the usual one is shown in brackets. */
  readonly format?: (value: T) => string;
}

/** Asks in the terminal until the answers can be read; nothing but Enter takes the usual one. Close it, or the process does not end. */
export class Questioner {
  readonly #terminal = createInterface({ input: process.stdin, output: process.stderr });
  readonly #closed = new AbortController();

  constructor() {
    // Ctrl-C and Ctrl-D close it.
    this.#terminal.once("close", () => this.#closed.abort());
  }

  async ask<T>({ text, flag, usual, parse, format = String }: Prompt<T>): Promise<T> {
    for (;;) {
      const answer = await this.#answerTo(`${text} [${format(usual)}] `, flag);
      if (answer === "") return usual;
      try {
        return parse(answer);
      } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error;
        process.stderr.write(`${error.message}\n`);
      }
    }
  }

  async #answerTo(prompt: string, flag: string): Promise<string> {
    try {
      return (await this.#terminal.question(prompt, { signal: this.#closed.signal })).trim();
    } catch (error) {
      if (!this.#closed.signal.aborted) throw error;
      throw new WrongUsage(`\nNo answer. Without questions: ${flag}, or --yes for all that is usual.`);
    }
  }

  close(): void {
    this.#terminal.close();
  }
}

/** `y` or `n`. */
export function yesOrNo(text: string): boolean {
  if (/^(y|yes)$/i.test(text)) return true;
  if (/^(n|no)$/i.test(text)) return false;
  throw new InvalidArgumentError("It must be y or n.");
}
