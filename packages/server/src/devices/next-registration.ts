import { type Refusal, refuse } from "@wattboard/protocol";
import { type Registration, registrationKey } from "../store/registration.ts";

type RegistryRow = Readonly<Record<string, unknown>>;

/** The registration of that number; the row knows what the first one had. */
export function registrationAs(deviceId: string, number: number, row: RegistryRow | undefined): Registration {
  return { key: registrationKey(deviceId, number), fromMs: number === 1 ? Number(row?.history_from_ms ?? 0) : 0 };
}

/** Of an id whose earlier registrations are told by the row: one that is wanted again, or one that there never was. */
export function nextRegistration(
  deviceId: string,
  former: RegistryRow | undefined,
  keepHistory: boolean | number,
): Registration | Refusal {
  const ended = Number(former?.registrations ?? 0);
  if (keepHistory === false) return registrationAs(deviceId, ended + 1, undefined);
  const kept = keepHistory === true ? Number(former?.registration ?? 1) : keepHistory;
  if (Number.isInteger(kept) && kept >= 1 && kept <= Math.max(1, ended)) return registrationAs(deviceId, kept, former);
  const count = ended === 0 ? "no earlier registration" : `registrations 1 to ${ended}`;
  return refuse("invalid_request", `${deviceId} has had ${count}; ${kept} cannot be kept.`);
}
