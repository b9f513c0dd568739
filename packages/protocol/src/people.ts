/** The bodies of `/api/v1` that are about people and their rights. Times are RFC 3339 in UTC. */

/** What a person or a token may do; each includes the ones before it. */
export type RoleName = "viewer" | "operator" | "admin";

/** `GET /api/v1/me`, and the answer to signing in. */
export interface MeBody {
  /** `anonymous` where dashboards are public and nobody is signed in. */
  readonly kind: "anonymous" | "local" | "person" | "token" | "share";
  readonly name: string;
  readonly role: RoleName;
  /** The devices given to them; null: all. */
  readonly devices: readonly string[] | null;
  /** Devices that a share link lets them look at besides. */
  readonly shared_devices: readonly string[];
  /** Of a person. */
  readonly email: string | null;
  /** When the session ends; null where there is none. */
  readonly session_expires_at: string | null;
}

/** Someone with an account: `GET /api/v1/people` answers `{people: PersonBody[]}`. */
export interface PersonBody {
  readonly name: string;
  readonly email: string | null;
  readonly role: RoleName;
  readonly devices: readonly string[] | null;
  readonly created_at: string;
  /** False until they have chosen a password. */
  readonly active: boolean;
  /** Browsers in which they are signed in. */
  readonly sessions: number;
}

/** A link that works once: `path` is to be put behind the server's address, and is shown only now. */
export interface IssuedLinkBody {
  readonly path: string;
  readonly expires_at: string;
}

/** `POST /api/v1/one-time-links/inspect`: what a link is for, before it is used up. */
export interface OneTimeLinkBody {
  readonly kind: "setup" | "password" | "sign_in";
  /** Null where it creates the administrator. */
  readonly person: string | null;
  readonly expires_at: string;
}

/** A read-only link to one device: `GET /api/v1/devices/{id}/share-links` answers `{share_links: ShareLinkBody[]}`. */
export interface ShareLinkBody {
  readonly share_id: string;
  readonly device_id: string;
  readonly label: string;
  readonly created_by: string;
  readonly created_at: string;
  readonly expires_at: string;
}

/** One row of the audit: `GET /api/v1/audit` answers `{audit: AuditBody[], next_cursor}`, newest first. */
export interface AuditBody {
  readonly seq: number;
  readonly at: string;
  readonly who: string;
  readonly address: string;
  readonly action: string;
  readonly device_id: string | null;
  readonly target: string | null;
  /** `done`, or the code of the refusal. */
  readonly outcome: string;
  readonly detail: Readonly<Record<string, unknown>>;
  /** SHA-256 over the hash of the row before and this row. */
  readonly hash: string;
}
