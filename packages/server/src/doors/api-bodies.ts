import type { DeviceDetail, SampleBody, Telemetry } from "@wattboard/protocol";
import type { ApiToken } from "../access/api-tokens.ts";
import { type Device, type Provisioned, propertiesOf } from "../access/devices.ts";
import type { Session } from "../registry/session.ts";
import { telemetryOf } from "../store/point-value.ts";
import type { PointSample, StoredSample } from "../store/store.ts";
import type { DeviceState } from "../telemetry/device-state.ts";

/** A device in a list. */
export interface DeviceBody {
  readonly device_id: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly active: boolean;
  readonly online: boolean;
}

export interface ApiTokenBody {
  readonly name: string;
  readonly role: string;
  /** Null: all there are. */
  readonly devices: readonly string[] | null;
  readonly created_at: string;
  readonly expires_at: string | null;
}

export function deviceBody(device: Device, online: boolean): DeviceBody {
  const { deviceId, name, createdAtMs, token } = device;
  const properties = propertiesOf(device);
  return { device_id: deviceId, name, properties, created_at: isoTime(createdAtMs), active: token !== null, online };
}

export function detailBody(device: Device, session: Session | undefined, state: DeviceState | undefined): DeviceDetail {
  const last = state?.lastRefusal ?? null;
  const { latest = null, latestFrame = null } = state ?? {};
  return {
    ...deviceBody(device, session !== undefined),
    connected_at: session === undefined ? null : isoTime(session.connectedAtMs),
    latest: latest === null || latestFrame === null ? null : sampleBody({ ...latest, message: latestFrame }),
    accepted: state?.accepted ?? 0,
    dropped: Object.fromEntries(state?.dropped ?? []),
    last_refusal: last === null ? null : { ...last.refusal, at: isoTime(last.atMs) },
  };
}

function sampleBody({
  observedAtMs,
  receivedAtMs,
  clock,
  message,
}: Pick<StoredSample, "observedAtMs" | "receivedAtMs" | "clock" | "message">): SampleBody {
  return {
    observed_at: isoTime(observedAtMs),
    received_at: isoTime(receivedAtMs),
    clock,
    // The gatekeeper let it in.
    telemetry: JSON.parse(Buffer.from(message).toString()) as Telemetry,
  };
}

/** A sample from the store, which keeps points and not messages: put together again. */
export function storedSampleBody(deviceId: string, sample: PointSample): SampleBody {
  return {
    observed_at: isoTime(sample.observedAtMs),
    received_at: isoTime(sample.receivedAtMs),
    clock: sample.clock,
    telemetry: telemetryOf(deviceId, isoTime(sample.deviceTimeMs), sample.points) as unknown as Telemetry,
  };
}

/** What `device add` prints with `--json`. */
export function provisionedBody({ device, token }: Provisioned): { device_id: string; token: string } {
  return { device_id: device.deviceId, token };
}

export function apiTokenBody({ name, role, devices, createdAtMs, expiresAtMs }: ApiToken): ApiTokenBody {
  return {
    name,
    role,
    devices: devices === null ? null : [...devices],
    created_at: isoTime(createdAtMs),
    expires_at: expiresAtMs === null ? null : isoTime(expiresAtMs),
  };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
