/**
 * What begins a formula in a spreadsheet, in the wide forms of East Asian keyboards too, and behind blanks and quotes as well. A cell begins where
 * the text does, and behind each sign that some spreadsheet takes for the end of one: where people write 1,5 Excel separates by `;`, and quotes
 * that stand behind a comma are then no quotes. The comma itself is no such sign: where it separates, quotes are quotes.
 */
const formula = /(^|[;|\t\r\n])([ '"]*[=+\-@＝＋－＠])/g;
const guarded = /(^|[;|\t\r\n])'([ '"]*[=+\-@＝＋－＠])/g;

/** Puts an apostrophe before whatever a spreadsheet would run as a formula: a device, or whoever speaks for it, chose the text. */
export function guardFormulas(text: string): string {
  return text.replace(formula, "$1'$2");
}

/** Takes away what `guardFormulas` has put there, and nothing else of what has gone through it. */
export function unguardFormulas(text: string): string {
  return text.replace(guarded, "$1$2");
}

/** Somebody's text as a cell (RFC 4180) that no spreadsheet takes for anything else. `quotes`: also where it need not. */
export function csvText(text: string, quotes = false): string {
  const safe = guardFormulas(text);
  return quotes || /[",;|\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
