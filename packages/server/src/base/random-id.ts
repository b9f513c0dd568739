import { randomUUID } from "node:crypto";

/** Makes an id that nothing else has; injected, so that a run can be repeated. Secrets do not come from here. */
export type NewId = () => string;

export const randomId: NewId = () => randomUUID();
