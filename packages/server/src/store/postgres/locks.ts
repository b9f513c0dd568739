/** Advisory locks of the database, all in one place: "Wattboard" on a keypad, and on from there, which nobody else takes. */

/** Whoever makes or changes tables. */
export const migrationLock = 928_826_273;
/** Whoever summarizes takes it alone, whoever adds samples shares it. */
export const windowLock = 928_826_274;
/** Whoever strikes values out, and whoever makes summaries: one at a time. */
export const strikeLock = 928_826_275;
/** Whoever writes samples holds it for as long as they are connected: one server a database. */
export const ownerLock = 928_826_276;
