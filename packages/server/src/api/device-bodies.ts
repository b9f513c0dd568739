import {
  type ApiTokenBody,
  type DeviceBody,
  type DeviceDetail,
  type EventBody,
  type Freshness,
  freshnessOf,
  type LatestBody,
  type ProvisionedBody,
  type RotationBody,
  type SampleBody,
  type StateBody,
  type Telemetry,
  valueFaults,
} from "@wattboard/protocol";
import type { ApiToken } from "../access/api-tokens.ts";
import { isoTime } from "../base/iso-time.ts";
import { requesterText } from "../base/requester.ts";
import type { DeviceJournal } from "../devices/device-journal.ts";
import { type Device, type DeviceRegistry, type Provisioned, propertiesOf } from "../devices/device-registry.ts";
import type { DeviceSession } from "../devices/device-session.ts";
import type { DeviceState } from "../devices/device-state.ts";
import type { FaultCount } from "../devices/faulty-values.ts";
import type { PointTime } from "../devices/sample.ts";
import type { HandoverState } from "../devices/token-handover.ts";
import type { RecordedEvent } from "../observe/events.ts";
import { telemetryOf } from "../store/algebra/point-value.ts";
import { readRegistrationKey } from "../store/registration.ts";
import type { PointSample } from "../store/store.ts";

export function deviceBody(device: Device, online: boolean): DeviceBody {
  const { deviceId, name, createdAtMs, token } = device;
  const properties = propertiesOf(device);
  return { device_id: deviceId, name, properties, created_at: isoTime(createdAtMs), active: token !== null, online };
}

interface DeviceNow {
  readonly session: DeviceSession | undefined;
  readonly offlineSinceMs: number | null;
  readonly state: DeviceState | undefined;
  readonly nowMs: number;
  readonly rotation: RotationBody | null;
}

export function detailBody(
  device: Device,
  { session, offlineSinceMs, state, nowMs, rotation }: DeviceNow,
  timeZone: string,
): DeviceDetail {
  const last = state?.lastRefusal ?? null;
  const isOffline = session === undefined;
  return {
    ...deviceBody(device, !isOffline),
    time_zone: device.properties.time_zone ?? timeZone,
    connected_at: isOffline ? null : isoTime(session.connectedAtMs),
    disconnected_at: isOffline && offlineSinceMs !== null ? isoTime(offlineSinceMs) : null,
    freshness: freshnessNow(device, !isOffline, state, nowMs),
    latest: newestBody(state),
    accepted: state?.accepted ?? 0,
    dropped: Object.fromEntries(state?.dropped ?? []),
    clock_offset_ms: Math.round(state?.clock.offsetMs ?? 0),
    journal: journalBody(state?.journal ?? null),
    faulty_values: (state?.faultyValues.counts ?? []).map(faultBody),
    rotation,
    last_refusal: last === null ? null : { ...last.refusal, at: isoTime(last.atMs) },
  };
}

export function latestBody(
  device: Device,
  { session, state, nowMs }: Omit<DeviceNow, "offlineSinceMs" | "rotation">,
): LatestBody {
  const online = session !== undefined;
  const freshness = freshnessNow(device, online, state, nowMs);
  return { device_id: device.deviceId, online, freshness, latest: newestBody(state) };
}

function faultBody({ point, fault, count, lastMs }: FaultCount): DeviceDetail["faulty_values"][number] {
  const { isKept, message } = valueFaults[fault];
  return { point, fault, kept: isKept, message, count, last_at: isoTime(lastMs) };
}

function journalBody(journal: DeviceJournal | null): DeviceDetail["journal"] {
  if (journal === null) return null;
  const { id, durable } = journal;
  return { id, durable_seq: durable.through, durable: durable.count, missing: journal.lastSeq - durable.count };
}

function freshnessNow(device: Device, online: boolean, state: DeviceState | undefined, nowMs: number): Freshness {
  const latest = state?.latest ?? null;
  // From the receipt where the device's clock is ahead: what it says is to come must not keep it young.
  const ageMs = latest === null ? null : nowMs - Math.min(latest.observedAtMs, latest.receivedAtMs);
  return freshnessOf({ online, properties: device.properties }, ageMs);
}

function newestBody(state: DeviceState | undefined): StateBody | null {
  const latest = state?.latest ?? null;
  if (state === undefined || latest === null) return null;
  const times = [...state.pointTimes].map(([name, time]) => [name, timesBody(time)] as const);
  return {
    ...timesBody(latest),
    clock: latest.clock,
    // The gatekeeper let it in.
    telemetry: latest.values as unknown as Telemetry,
    ...(times.length > 0 && { older_points: Object.fromEntries(times) }),
  };
}

function timesBody({ observedAtMs, receivedAtMs }: PointTime) {
  return { observed_at: isoTime(observedAtMs), received_at: isoTime(receivedAtMs) };
}

export function eventBody({ atMs, kind, key, message }: RecordedEvent): EventBody {
  const deviceId = key === null ? null : readRegistrationKey(key).deviceId;
  return { at: isoTime(atMs), kind, device_id: deviceId, message };
}

/** A sample from the store, which keeps points and not messages: put together again. */
export function storedSampleBody(deviceId: string, sample: PointSample): SampleBody {
  return {
    observed_at: isoTime(sample.observedAtMs),
    received_at: isoTime(sample.receivedAtMs),
    clock: sample.clock,
    // What the store has, the gatekeeper let in: its points are those of a telemetry message.
    telemetry: telemetryOf(deviceId, isoTime(sample.deviceTimeMs), sample.points) as unknown as Telemetry,
  };
}

/** What `device add` prints with `--json`. */
export function provisionedBody({ device, token, formerRegistration }: Provisioned): ProvisionedBody {
  const { deviceId, createdAtMs } = device;
  if (formerRegistration === undefined) return { device_id: deviceId, token };
  return { device_id: deviceId, token, history_from: isoTime(createdAtMs), former_registration: formerRegistration };
}

/** Null where the device has one token alone. */
export function rotationBody(
  devices: DeviceRegistry,
  deviceId: string,
  { state, isByHand }: HandoverState,
): RotationBody | null {
  const rotation = devices.rotations.find(deviceId);
  if (rotation === undefined) return null;
  return { device_id: deviceId, former_until: isoTime(rotation.untilMs), state, by_hand: isByHand };
}

export function apiTokenBody({ name, role, devices, createdAtMs, expiresAtMs, madeBy }: ApiToken): ApiTokenBody {
  return {
    name,
    role,
    devices: devices === null ? null : [...devices],
    created_at: isoTime(createdAtMs),
    expires_at: expiresAtMs === null ? null : isoTime(expiresAtMs),
    made_by: madeBy === null ? null : requesterText(madeBy),
  };
}
