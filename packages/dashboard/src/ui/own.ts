/** The entry of a table for a word that comes from outside, an address or a device: every object has a `constructor` and a `__proto__`. */
export function own<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
