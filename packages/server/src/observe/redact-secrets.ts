/** The end of a quoted name, a colon, and the quote that opens its value; each of them may be escaped, once or more, in a text that is quoted itself. */
const assignment = /(["'])\s*:\s*(\\*)(["'])/g;
/** Before the closing quote of a name. With bounds, since it is looked for before each. */
const secretName = /(?:token|passwd|password|secret|api_?key|authorization)\w{0,32}\\{0,64}$/i;
const secretNameMax = 112;

/** Wattboard's own tokens, and whatever a header would carry. */
const secrets = [
  [/wb_[A-Za-z0-9]{8,}/g, "wb_***"],
  [/(bearer\s+)[^\s"'\\]+/gi, "$1***"],
] as const;

/**
 * The text with `***` for what could be a secret: tokens, and the values of names under which people put secrets, in JSON and in Python, however
 * deep the quotes are escaped. A value without an end goes to the end of the text. Takes as long as the text is.
 */
export function redactSecrets(text: string): string {
  let shown = "";
  let at = 0;
  for (const { 0: whole, 2: backslashes = "", 3: quote = "", index } of text.matchAll(assignment)) {
    if (index < at || !secretName.test(text.slice(Math.max(0, index - secretNameMax), index))) continue;
    const valueAt = index + whole.length;
    shown += `${text.slice(at, valueAt)}***`;
    at = secretEnd(text, valueAt, quote, backslashes.length);
  }
  shown += text.slice(at);
  for (const [pattern, replacement] of secrets) shown = shown.replace(pattern, replacement);
  return shown;
}

/** Where the value's closing quote begins, its backslashes included. One that stands in the value is escaped once more than its quotes are. */
function secretEnd(text: string, valueAt: number, quote: string, backslashes: number): number {
  for (let at = text.indexOf(quote, valueAt); at !== -1; at = text.indexOf(quote, at + 1)) {
    let before = 0;
    while (at - before > valueAt && text[at - before - 1] === "\\") before++;
    // A pair of backslashes is one that belongs to the value, at each depth.
    if (before >= backslashes && (before - backslashes) % (2 * (backslashes + 1)) === 0) return at - backslashes;
  }
  return text.length;
}
