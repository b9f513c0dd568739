import { randomBytes } from "node:crypto";

/** Chance as the server meets it, injected so that a run can be repeated: so many bytes that nobody guesses, in hexadecimal. */
export type NewId = (bytes: number) => string;

export const randomId: NewId = (bytes) => randomBytes(bytes).toString("hex");
