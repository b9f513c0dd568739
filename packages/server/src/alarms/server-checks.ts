import type { ServerCheck } from "./alarms.ts";

const dayMs = 86_400_000;
/** A certificate and a token are an alarm so long before they expire, ms. */
const certificateMs = 21 * dayMs;
const tokenMs = 14 * dayMs;
/** The disk is nearly full with less than this share, or this many bytes, left: the smaller of both, so that a large disk rings late enough. */
const freeShareMin = 0.1;
const freeBytesMin = 5 * 1024 ** 3;
const server = "";

export interface ServerState {
  /** What the health page says of the store: `ok`, or why not. */
  store(): string;
  disk(): { readonly freeBytes: number | null; readonly diskBytes: number | null };
  /** When the certificate expires; null: there is none. */
  certificateUntilMs(): number | null;
  /** Of all API tokens that expire. */
  tokens(): Iterable<{ readonly name: string; readonly expiresAtMs: number | null }>;
}

/** What the server can tell of itself. */
export function checkServer(state: ServerState): ServerCheck {
  return (nowMs, tell) => {
    const fault = state.store();
    if (fault === "ok") tell.end("store_failing", server);
    else tell.begin("store_failing", server, `Samples are not stored: ${fault}`, { store: fault });
    const { freeBytes, diskBytes } = state.disk();
    if (freeBytes !== null && diskBytes !== null) {
      if (freeBytes >= Math.min(freeBytesMin, diskBytes * freeShareMin)) tell.end("disk_nearly_full", server);
      else {
        const percent = Math.round((freeBytes / diskBytes) * 100);
        const words = `The disk is nearly full: ${percent} % is free, ${Math.round(freeBytes / 1024 ** 2)} MiB`;
        tell.begin("disk_nearly_full", server, words, { free_bytes: freeBytes });
      }
    }
    const untilMs = state.certificateUntilMs();
    if (untilMs === null || untilMs - nowMs > certificateMs) tell.end("certificate_expiring", server);
    else tell.begin("certificate_expiring", server, `The certificate ${expires(untilMs, nowMs)}`);
    const expiring = new Set<string>();
    for (const { name, expiresAtMs } of state.tokens()) {
      if (expiresAtMs === null || expiresAtMs - nowMs > tokenMs) continue;
      expiring.add(name);
      tell.begin("token_expiring", name, `The API token ${name} ${expires(expiresAtMs, nowMs)}`);
    }
    tell.endAllBut("token_expiring", expiring);
  };
}

function expires(untilMs: number, nowMs: number): string {
  const day = new Date(untilMs).toISOString().slice(0, 10);
  return untilMs <= nowMs ? `has expired on ${day}` : `expires on ${day}`;
}
