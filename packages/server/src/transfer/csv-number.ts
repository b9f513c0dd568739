import { parseDecimal } from "@wattboard/protocol/constants";

/** How a file writes numbers. */
export interface NumberStyle {
  readonly decimalComma?: boolean | undefined;
  /** What parts thousands, where it could also be taken for the decimal sign: `,` in `1,234`. */
  readonly thousands?: string | undefined;
}

/** Longer texts are no numbers; those with signs between their thousands are longer than others. */
const lengthMax = 48;
/** Blanks (also those that do not break) and apostrophes part thousands wherever they stand; the Swiss write 12’000. */
const blanks = " \u00a0\u2007\u2009\u202f'’";

/**
 * The number as `parseDecimal` reads it: a comma may be its decimal sign, thousands may be parted, and the minus be a typesetter's. A text that
 * could be meant in two ways, such as `1,234` where no decimal comma and no sign of thousands was announced, is none.
 */
export function parseNumber(text: string, { decimalComma = false, thousands }: NumberStyle): number | null {
  if (text.length > lengthMax) return null;
  const plain = text.replace(/^[\u2212\u2013]/, "-");
  const decimalSign = decimalComma ? "," : ".";
  const [whole = "", fraction, ...more] = plain.split(decimalSign);
  const other = decimalComma ? "." : ",";
  if (more.length > 0) return null;
  const joined = join(whole, other);
  if (joined === null) return null;
  const isClear = decimalComma || thousands === other || fraction !== undefined || whole.split(other).length !== 2;
  if (!isClear) return null;
  return parseDecimal(fraction === undefined ? joined : `${joined}.${fraction}`);
}

/** Takes out what parts thousands; null where it stands anywhere else, or two kinds of it do. */
function join(whole: string, other: string): string | null {
  const sign = [...whole].find((each) => each === other || blanks.includes(each));
  if (sign === undefined) return whole;
  const [first = "", ...groups] = whole.split(sign);
  const isGrouped = /^[+-]?[1-9]\d{0,2}$/.test(first) && groups.every((group) => /^\d{3}$/.test(group));
  return isGrouped ? first + groups.join("") : null;
}
