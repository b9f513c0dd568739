import { randomUUID } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { describeNameFault } from "./devices.ts";
import { dropExpired } from "./drop-expired.ts";
import type { Revocations } from "./revocations.ts";
import { secretKey } from "./secret-key.ts";
import { generateToken } from "./tokens.ts";

/** A link that lets whoever has it look at one device for a while. */
export interface ShareLink {
  readonly shareId: string;
  readonly deviceId: string;
  /** For whom, or what for. */
  readonly label: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** A browser that has opened share links. */
export interface ShareSession {
  readonly links: readonly ShareLink[];
  readonly expiresAtMs: number;
}

export const shareTtlMsMin = 60_000;
export const shareTtlMsMax = 90 * 24 * 3_600_000;
/** Links of one device at a time; one more is refused. */
const linksPerDeviceMax = 50;
/** Browsers that look by a share link; above it the one that came first has to open its link again. */
const sessionsMax = 10_000;
const sessionMs = 12 * 3_600_000;
/** Devices that one browser may look at by share links; one more takes the place of the first. */
const linksPerSessionMax = 16;

/** Read-only, time-limited links to single devices. The links are kept in `access.db`, the browsers that opened one only in memory. */
export class ShareLinks {
  readonly #clock: Clock;
  readonly #links = new Map<string, ShareLink>();
  readonly #idBySecretKey = new Map<string, string>();
  readonly #sessions = new Map<string, ShareSession>();
  readonly #revocations: Revocations;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, clock: Clock, revocations: Revocations) {
    this.#clock = clock;
    this.#revocations = revocations;
    this.#insert = database.prepare(
      "INSERT INTO share_link (share_id, secret_key, device_id, label, created_by, created_at_ms, expires_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
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
        createdBy: String(row.created_by),
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
    { label, ttlMs, createdBy }: { readonly label: string; readonly ttlMs: number; readonly createdBy: string },
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
    const link = { shareId: randomUUID(), deviceId, label, createdBy, createdAtMs, expiresAtMs: createdAtMs + ttlMs };
    const key = secretKey(secret);
    this.#insert.run(link.shareId, key, deviceId, label, createdBy, createdAtMs, link.expiresAtMs);
    this.#idBySecretKey.set(key, link.shareId);
    this.#links.set(link.shareId, link);
    return { link, path: `/share#${secret}` };
  }

  of(deviceId: string): ShareLink[] {
    this.#dropExpired();
    return [...this.#links.values()].filter((link) => link.deviceId === deviceId);
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

  /** Opens a link in a browser, which may have opened others before; gives the secret of its cookie. */
  open(
    secret: string,
    before: ShareSession | undefined,
  ): { readonly link: ShareLink; readonly cookie: string; readonly session: ShareSession } | Refusal {
    const link = this.#links.get(this.#idBySecretKey.get(secretKey(secret)) ?? "");
    if (link === undefined || !this.#isCurrentLink(link)) return refuse("link_not_valid");
    const others = (before?.links ?? []).filter((each) => each !== link && this.#isCurrentLink(each));
    const links = [...others, link].slice(-linksPerSessionMax);
    const expiresAtMs = Math.min(this.#clock.wallMs() + sessionMs, Math.max(...links.map((each) => each.expiresAtMs)));
    const session = { links, expiresAtMs };
    const cookie = generateToken();
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= sessionsMax && oldest !== undefined) this.#sessions.delete(oldest);
    this.#sessions.set(secretKey(cookie), session);
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
    return this.#links.get(link.shareId) === link && link.expiresAtMs > this.#clock.wallMs();
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
