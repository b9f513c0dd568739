import { InvalidArgumentError } from "commander";

/** Reads a whole number for a flag. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    if (value > most) throw new InvalidArgumentError(`It must be at most ${most}.`);
    return value;
  };
}
