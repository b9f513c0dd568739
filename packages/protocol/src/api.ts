import type { RefusalCode } from "./refusals.ts";
import type { Telemetry } from "./telemetry.ts";

/** The bodies of `/api/v1`. Times are RFC 3339 in UTC. */

/** `GET /api/v1/devices/{id}` */
export interface DeviceDetail {
  readonly device_id: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly created_at: string;
  /** Whether the device has a token that is not revoked. */
  readonly active: boolean;
  readonly online: boolean;
  /** Since when the present link is there; null while offline. */
  readonly connected_at: string | null;
  readonly latest: SampleBody | null;
  /** Messages since the server started. */
  readonly accepted: number;
  readonly dropped: Readonly<Partial<Record<RefusalCode, number>>>;
  readonly last_refusal: {
    readonly code: RefusalCode;
    readonly message: string;
    readonly at: string;
  } | null;
}

/** One stored sample: `GET /api/v1/devices/{id}/samples?from&to&limit` answers `{samples: SampleBody[]}`, oldest first; where they are more than `limit`, the newest. */
export interface SampleBody {
  /** When it was measured; where `clock` is `server`, when it was received. */
  readonly observed_at: string;
  readonly received_at: string;
  readonly clock: "device" | "server";
  readonly telemetry: Telemetry;
}

/** Something that a person should know of: `GET /api/v1/events` answers `{events: EventBody[]}`, newest first. */
export interface EventBody {
  readonly at: string;
  readonly kind: string;
  readonly device_id: string | null;
  readonly message: string;
}

/** A device that has come to the SMART-OS door and is not registered: `GET /api/v1/smart-os/waiting` answers `{waiting: WaitingDeviceBody[]}`, the last to ask first. */
export interface WaitingDeviceBody {
  readonly device_id: string;
  readonly first_seen_at: string;
  readonly last_seen_at: string;
  readonly messages: number;
  /** From where it asked last. */
  readonly address: string;
}

/** An error of the API, as RFC 9457 (`application/problem+json`). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What is wrong, where, and what to do. */
  readonly detail: string;
  readonly code: RefusalCode;
}
