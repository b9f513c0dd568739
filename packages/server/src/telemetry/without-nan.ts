/** What programs write for a value that is no number: Python's `NaN` and `-Infinity`, C's `nan`, `-inf` and `-nan(ind)`. */
const words = /^[+-]?(?:nan|inf|infinity|nan\(ind\)|undefined)$/i;
const wordLengthMax = 12;
const quote = 0x22;
const backslash = 0x5c;

/**
 * The text with such words outside of quotes put in a form that a JSON reader takes, and reads as no finite number. All else, right or wrong, stays
 * as it is. Goes through the text once.
 */
export function withoutNaN(text: string): string {
  let made = "";
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    if (text.charCodeAt(at) === quote) at = endOfQuoted(text, at);
    else if (!isWordPart(text.charCodeAt(at))) at++;
    else {
      const end = endOfWord(text, at);
      const word = end - at <= wordLengthMax ? text.slice(at, end) : "";
      if (words.test(word)) {
        made += `${text.slice(copied, at)}1e999`;
        copied = end;
      }
      at = end;
    }
  }
  return made + text.slice(copied);
}

function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === backslash) at++;
  }
  return text.length;
}

function endOfWord(text: string, start: number): number {
  let at = start;
  while (at < text.length && isWordPart(text.charCodeAt(at))) at++;
  return at;
}

/** Letters, digits, signs, dots and round brackets. */
function isWordPart(code: number): boolean {
  return (
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2b ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x28 ||
    code === 0x29
  );
}
