import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { type NewId, randomId } from "../base/random-id.ts";
import type { Requester } from "../base/requester.ts";
import { describeNameFault } from "./describe-name-fault.ts";
import { dropExpired } from "./drop-expired.ts";
import type { Requesters } from "./requesters.ts";
import type { Revocations } from "./revocations.ts";
import { secretKey } from "./secret-key.ts";
import { generateToken } from "./tokens.ts";

/** A link that lets whoever has it look at one device for a while. */
export interface ShareLink {
  readonly shareId: string;
  readonly deviceId: string;
  /** For whom, or what for. */
  readonly label: string;
  /** The link holds while they may share the device. */
  readonly madeBy: Requester;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** A browser that has opened share links. */
export interface ShareSession {
  readonly links: readonly ShareLink[];
  readonly expiresAtMs: number;
}

interface OpenedSession extends ShareSession {
  /** From where the last one was opened. */
  readonly address: string;
}

export const shareTtlMsMin = 60_000;
export const shareTtlMsMax = 90 * 24 * 3_600_000;
/** Links of one device at a time; one more is refused. */
const linksPerDeviceMax = 50;
/**
 * Browsers that look by share links; above it the one that came first of the link that has most of them has to open it again. So whoever has a
 * link can sign out nobody but those who have the same.
 */
const sessionsMax = 10_000;
/** Browsers that look by one link from one address; above it the one that came first has to open it again. */
const sessionsPerAddressMax = 32;
const sessionMs = 12 * 3_600_000;
/** Devices that one browser may look at by share links; one more takes the place of the first. */
const linksPerSessionMax = 16;

/** Read-only, time-limited links to single devices. The links are kept in `access.db`, the browsers that opened one only in memory. */
export class ShareLinks {
  readonly #clock: Clock;
  readonly #newId: NewId;
  readonly #requesters: Requesters;
  readonly #links = new Map<string, ShareLink>();
  readonly #idBySecretKey = new Map<string, string>();
  readonly #sessions = new Map<string, OpenedSession>();
  /** The keys of the sessions by the link that was opened last in them, oldest first. */
  readonly #keysByLink = new KeySets();
  /** The same by link and address. */
  readonly #keysByPlace = new KeySets();
  readonly #revocations: Revocations;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(
    database: DatabaseSync,
    clock: Clock,
    requesters: Requesters,
    revocations: Revocations,
    newId: NewId = randomId,
  ) {
    this.#clock = clock;
    this.#newId = newId;
    this.#requesters = requesters;
    this.#revocations = revocations;
    this.#insert = database.prepare(
      "INSERT INTO share_link (share_id, secret_key, device_id, label, created_by, created_at_ms, expires_at_ms, made_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM share_link WHERE share_id = ?");
    dropExpired(database, "share_link", clock.wallMs());
    for (const row of database.prepare("SELECT * FROM share_link ORDER BY created_at_ms").all()) {
      const shareId = String(row.share_id);
      this.#idBySecretKey.set(String(row.secret_key), shareId);
      this.#links.set(shareId, {
        shareId,
        deviceId: String(row.device_id),
        label: String(row.label),
        madeBy:
          row.made_by === null
            ? requesters.guess(String(row.created_by))
            : (JSON.parse(String(row.made_by)) as Requester),
        createdAtMs: Number(row.created_at_ms),
        expiresAtMs: Number(row.expires_at_ms),
      });
    }
    revocations.enforceWith("share_link", (shareId) => {
      this.#forget(shareId);
      this.#delete.run(shareId);
    });
  }

  /** Makes a link; its secret is the path's fragment, which no browser sends and no proxy logs, and stands nowhere else. */
  add(
    deviceId: string,
    { label, ttlMs, madeBy }: { readonly label: string; readonly ttlMs: number; readonly madeBy: Requester },
  ): { readonly link: ShareLink; readonly path: string } | Refusal {
    const fault = describeNameFault(label);
    if (fault !== null) return refuse("invalid_request", fault);
    if (ttlMs < shareTtlMsMin || ttlMs > shareTtlMsMax) {
      return refuse("invalid_request", "A share link is valid for a minute to 90 days.");
    }
    if (this.of(deviceId).length >= linksPerDeviceMax) {
      return refuse("invalid_request", `The device has ${linksPerDeviceMax} share links already; revoke one first.`);
    }
    const secret = generateToken();
    const createdAtMs = this.#clock.wallMs();
    const link = { shareId: this.#newId(16), deviceId, label, madeBy, createdAtMs, expiresAtMs: createdAtMs + ttlMs };
    const key = secretKey(secret);
    const by = JSON.stringify(madeBy);
    this.#insert.run(link.shareId, key, deviceId, label, madeBy.name, createdAtMs, link.expiresAtMs, by);
    this.#idBySecretKey.set(key, link.shareId);
    this.#links.set(link.shareId, link);
    return { link, path: `/share#${secret}` };
  }

  of(deviceId: string): ShareLink[] {
    this.#dropExpired();
    return [...this.#links.values()].filter((link) => link.deviceId === deviceId);
  }

  /** All that hold. */
  current(): ShareLink[] {
    return [...this.#links.values()].filter((link) => this.#isCurrentLink(link));
  }

  /** All that are kept, oldest first: also those that hold no more because of whom they rest on. */
  all(): ShareLink[] {
    return [...this.#links.values()].filter(({ expiresAtMs }) => expiresAtMs > this.#clock.wallMs());
  }

  revoke(deviceId: string, shareId: string): ShareLink | Refusal {
    const link = this.#links.get(shareId);
    if (link === undefined || link.deviceId !== deviceId) return refuse("not_found", "There is no such share link.");
    this.#drop(link);
    return link;
  }

  forgetDevice(deviceId: string): void {
    for (const link of this.of(deviceId)) this.#drop(link);
  }

  /** Opens a link in a browser at this address, which may have opened others before with this cookie; gives the secret of its new one. */
  open(
    secret: string,
    { before, address }: { readonly before: string | null; readonly address: string },
  ): { readonly link: ShareLink; readonly cookie: string; readonly session: ShareSession } | Refusal {
    const link = this.#links.get(this.#idBySecretKey.get(secretKey(secret)) ?? "");
    if (link === undefined || !this.#isCurrentLink(link)) return refuse("link_not_valid");
    const earlier = before === null ? undefined : this.findSession(before);
    const others = (earlier?.links ?? []).filter((each) => each !== link && this.#isCurrentLink(each));
    const links = [...others, link].slice(-linksPerSessionMax);
    const expiresAtMs = Math.min(this.#clock.wallMs() + sessionMs, Math.max(...links.map((each) => each.expiresAtMs)));
    const session: OpenedSession = { links, expiresAtMs, address };
    const cookie = generateToken();
    // The browser forgets its cookie for this one.
    if (before !== null) this.#endSession(secretKey(before));
    this.#makeRoom(link, address);
    const key = secretKey(cookie);
    this.#sessions.set(key, session);
    this.#keysByLink.add(link.shareId, key);
    this.#keysByPlace.add(placeOf(link, address), key);
    return { link, cookie, session };
  }

  findSession(cookie: string): ShareSession | undefined {
    const session = this.#sessions.get(secretKey(cookie));
    return session !== undefined && session.expiresAtMs > this.#clock.wallMs() ? session : undefined;
  }

  /** Those of its links that are neither revoked nor expired. */
  currentLinks(session: ShareSession): ShareLink[] {
    return session.links.filter((link) => this.#isCurrentLink(link));
  }

  /** Whether the session and all of these links still are valid. */
  isCurrent(session: ShareSession, links: readonly ShareLink[]): boolean {
    return session.expiresAtMs > this.#clock.wallMs() && links.every((link) => this.#isCurrentLink(link));
  }

  #isCurrentLink(link: ShareLink): boolean {
    const { shareId, deviceId, madeBy, expiresAtMs } = link;
    const isThere = this.#links.get(shareId) === link && expiresAtMs > this.#clock.wallMs();
    return isThere && this.#requesters.mayCommand(madeBy, deviceId);
  }

  #makeRoom(link: ShareLink, address: string): void {
    const there = this.#keysByPlace.of(placeOf(link, address));
    if (there.size >= sessionsPerAddressMax) this.#endSession(firstOf(there));
    if (this.#sessions.size >= sessionsMax) this.#endSession(firstOf(this.#keysByLink.largest()));
  }

  #endSession(key: string): void {
    const session = this.#sessions.get(key);
    const link = session?.links.at(-1);
    if (session === undefined || link === undefined) return;
    this.#sessions.delete(key);
    this.#keysByLink.delete(link.shareId, key);
    this.#keysByPlace.delete(placeOf(link, session.address), key);
  }

  #dropExpired(): void {
    for (const link of [...this.#links.values()]) if (!this.#isCurrentLink(link)) this.#drop(link);
  }

  #drop({ shareId }: ShareLink): void {
    this.#forget(shareId);
    this.#revocations.save("share_link", shareId, "", () => this.#delete.run(shareId));
  }

  #forget(shareId: string): void {
    this.#links.delete(shareId);
    for (const [key, id] of this.#idBySecretKey) if (id === shareId) this.#idBySecretKey.delete(key);
  }
}

function placeOf({ shareId }: ShareLink, address: string): string {
  return `${shareId} ${address}`;
}

function firstOf(keys: ReadonlySet<string>): string {
  const [first = ""] = keys;
  return first;
}

/** Sets of keys by name, each in the order in which they came; an empty one is none. */
class KeySets {
  readonly #sets = new Map<string, Set<string>>();

  of(name: string): ReadonlySet<string> {
    return this.#sets.get(name) ?? noKeys;
  }

  largest(): ReadonlySet<string> {
    let largest = noKeys;
    for (const each of this.#sets.values()) if (each.size > largest.size) largest = each;
    return largest;
  }

  add(name: string, key: string): void {
    const keys = this.#sets.get(name);
    if (keys === undefined) this.#sets.set(name, new Set([key]));
    else keys.add(key);
  }

  delete(name: string, key: string): void {
    const keys = this.#sets.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#sets.delete(name);
  }
}

const noKeys: ReadonlySet<string> = new Set();
