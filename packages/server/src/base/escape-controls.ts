/** C0, DEL and C1, the separators of lines, and what turns the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * The text with `\u001b` for what a terminal would obey and an eye would not see: others chose the text, and one of them could retitle the window,
 * clear the screen, or write one thing over another. JSON means the same as before.
 */
export function escapeControls(text: string): string {
  return text.replace(controls, (each) => short[each] ?? `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
