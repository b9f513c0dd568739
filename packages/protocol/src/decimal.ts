/** Characters that a number may have; programs write no more than 24. A longer text is none. */
const lengthMax = 32;
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The number that a text of a peer says, as most programs write one (`5.`, `.5` and `1e3` too); null where it says none. Infinity where it is too large. */
export function parseDecimal(text: string): number | null {
  return text.length <= lengthMax && decimal.test(text) ? Number(text) : null;
}
