/**
 * Who set something going that outlives their request, such as a command that waits for its device: enough to ask at each later act whether
 * they still may.
 */
export interface Requester {
  readonly kind: "local" | "person" | "token";
  readonly name: string;
  /** When their account or token was made: another one of the same name is somebody else. Null: it was written down before this was kept. */
  readonly sinceMs: number | null;
}

/** The command line of the server's own machine. */
export const localRequester: Requester = { kind: "local", name: "local", sinceMs: null };

/** How the audit and the commands name them: `person ann`, `token cellar`, `local`. */
export function requesterText({ kind, name }: Pick<Requester, "kind" | "name">): string {
  return kind === "local" ? "local" : `${kind} ${name}`;
}

/** Who is meant by such a text: all that commands of earlier versions have. */
export function readRequester(text: string): Requester {
  if (text === "local") return localRequester;
  const [kind = ""] = text.split(" ", 1);
  return { kind: kind === "token" ? "token" : "person", name: text.slice(kind.length + 1), sinceMs: null };
}

export function isSameRequester(one: Requester, other: Requester): boolean {
  const isSameTime = one.sinceMs === null || other.sinceMs === null || one.sinceMs === other.sinceMs;
  return one.kind === other.kind && one.name === other.name && isSameTime;
}
