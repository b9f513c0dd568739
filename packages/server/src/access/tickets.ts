import { createHash } from "node:crypto";
import { type Refusal, refuse, ticketProtocol } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { type Principal, requesterOf } from "./principal.ts";
import { generateToken } from "./tokens.ts";

/** A ticket is good for so long, ms: the time from a page's request to its handshake. */
const ttlMs = 30_000;
/** Tickets that one requester may have made within that time; and all together. One more is refused with 429 until the oldest has expired. */
const eachMax = 1_000;
const allMax = 10_000;

interface Ticket {
  readonly principal: Principal;
  readonly requester: string;
  /** Null: the fleet. */
  readonly deviceId: string | null;
  readonly expiresAtMs: number;
  isUsed: boolean;
}

export interface IssuedTicket {
  readonly ticket: string;
  readonly expiresInMs: number;
}

/**
 * Each lets one WebSocket look at one device, or at the fleet, in the name of whoever asked for it: for pages of other sites, whose browsers send
 * neither cookies nor headers of their own. In memory alone; a restart forgets them, and the page asks for a new one.
 */
export class Tickets {
  readonly #clock: Clock;
  /** By the secret's hash, oldest first. */
  readonly #tickets = new Map<string, Ticket>();
  readonly #counts = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `principal` has a name; whether they may see the device is the caller's matter. */
  issue(principal: Principal, deviceId: string | null): IssuedTicket | Refusal {
    const nowMs = this.#clock.monotonicMs();
    this.#dropExpired(nowMs);
    const { kind, name } = requesterOf(principal);
    const requester = `${kind} ${name}`;
    const count = this.#counts.get(requester) ?? 0;
    if (count >= eachMax || this.#tickets.size >= allMax) return refuse("too_many_tickets");
    const ticket = generateToken();
    this.#counts.set(requester, count + 1);
    this.#tickets.set(hashOf(ticket), { principal, requester, deviceId, expiresAtMs: nowMs + ttlMs, isUsed: false });
    return { ticket, expiresInMs: ttlMs };
  }

  /** In whose name the ticket lets look at the device (null: the fleet); null where it does not, or not any more. Afterwards it is used up. */
  redeem(secret: string, deviceId: string | null): Principal | null {
    const ticket = this.#tickets.get(hashOf(secret));
    if (ticket === undefined || ticket.isUsed || ticket.expiresAtMs <= this.#clock.monotonicMs()) return null;
    // Also where it is for another address: somebody tries around.
    ticket.isUsed = true;
    return ticket.deviceId === deviceId && ticket.principal.isCurrent() ? ticket.principal : null;
  }

  #dropExpired(nowMs: number): void {
    for (const [hash, { expiresAtMs, requester }] of this.#tickets) {
      if (expiresAtMs > nowMs) return;
      this.#tickets.delete(hash);
      const count = (this.#counts.get(requester) ?? 0) - 1;
      if (count > 0) this.#counts.set(requester, count);
      else this.#counts.delete(requester);
    }
  }
}

/** The ticket that a handshake offers among its subprotocols, or null. */
export function offeredTicket(protocols: string | undefined): string | null {
  const offered = protocols?.split(",").map((each) => each.trim());
  return offered?.find((each) => each.startsWith(ticketProtocol))?.slice(ticketProtocol.length) ?? null;
}

/** What is looked up by its hash tells nothing by the time that it takes. */
function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64");
}
