import type { StoreDamage } from "../store.ts";

/** Kept to be told to who asks later, and to tell each once; of more it is only counted that there are. */
const damagesMax = 1_000;

/** SQLite's codes for a file that is not what it wrote, and for a place of the disk that cannot be read. */
const damageCodes = new Set([11, 26]);
const unreadableCodes = new Set([266, 522, 8_458]);

/** What cannot be read of the store. It is passed over wherever it is met, and told here, once for each place. */
export class DamageLog {
  readonly #told: (damage: StoreDamage) => void;
  readonly #noted = new Map<string, StoreDamage>();

  constructor(told: (damage: StoreDamage) => void = () => {}) {
    this.#told = told;
  }

  note(damage: StoreDamage): void {
    const { key, fromMs, message } = damage;
    const place = `${key} ${fromMs} ${message}`;
    if (this.#noted.has(place) || this.#noted.size >= damagesMax) return;
    this.#noted.set(place, damage);
    this.#told(damage);
  }

  get messages(): string[] {
    return [...this.#noted.values()].map(({ message }) => message);
  }

  /** After a repair: what is met then is told anew. */
  clear(): void {
    this.#noted.clear();
  }
}

/**
 * What went wrong with a row, in words. Throws the error again where it is not about that row: the disk is full, or gone, or the statement is
 * wrong.
 */
export function damageOf(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  const code = sqliteCodeOf(error);
  if (code !== undefined && !damageCodes.has(code & 0xff) && !unreadableCodes.has(code)) throw error;
  return error.message;
}

/** SQLite's extended code; undefined where the error is not SQLite's. */
export function sqliteCodeOf(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
}
