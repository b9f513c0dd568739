import {
  type FleetRow,
  fleetTest,
  isRefusal,
  type NewFleetCommandBody,
  type Order,
  parseConditions,
  type Refusal,
} from "@wattboard/protocol";

/** The fleet, a row a device. */
export interface FleetRowSource {
  ids(): Iterable<string>;
  find(deviceId: string): FleetRow | undefined;
}

/** Which devices an order would reach. */
export interface Selection {
  readonly fit: readonly FleetRow[];
  /** Those that meet the conditions and do not support the order. */
  readonly unsupported: readonly { readonly device_id: string; readonly reason: string }[];
  /** How many might meet them: a field in the conditions is not known as of now. */
  readonly unknownCount: number;
}

/** Devices looked at in one turn of the event loop. */
const sliceRows = 100;

/** Looks through the fleet in slices, so that a large one holds up no live sample. Refuses if a condition cannot be read. */
export async function selectDevices(
  fleet: FleetRowSource,
  body: NewFleetCommandBody,
  nowMs: number,
  ask: {
    mayCommand(deviceId: string): boolean;
    unsupportedBecause(deviceId: string, order: Order): string | null;
    nextTurn(): Promise<void>;
  },
): Promise<Selection | Refusal> {
  const conditions = parseConditions(body.where);
  if (isRefusal(conditions)) return conditions;
  const test = fleetTest(conditions);
  const fit: FleetRow[] = [];
  const unsupported: { device_id: string; reason: string }[] = [];
  let unknownCount = 0;
  for (const [at, deviceId] of [...fleet.ids()].entries()) {
    if (at % sliceRows === sliceRows - 1) await ask.nextTurn();
    const row = ask.mayCommand(deviceId) ? fleet.find(deviceId) : undefined;
    if (row === undefined) continue;
    const verdict = test(row, nowMs);
    if (verdict === "unknown") unknownCount++;
    if (verdict !== "meets") continue;
    const reason = ask.unsupportedBecause(deviceId, body as Order);
    if (reason === null) fit.push(row);
    else unsupported.push({ device_id: deviceId, reason });
  }
  // Devices that are there come first: a canary that is offline would only wait.
  fit.sort((one, other) => Number(other.online) - Number(one.online));
  return { fit, unsupported, unknownCount };
}

/** The sizes of the waves, the canary first. By default one device, then a quarter of the rest at a time. */
export function waveSizes(count: number, { canary = 1, wave_size: waveSize }: NewFleetCommandBody): number[] {
  const first = Math.min(canary, count);
  const size = waveSize ?? Math.max(1, Math.ceil((count - first) / 4));
  const sizes = [first];
  for (let left = count - first; left > 0; left -= size) sizes.push(Math.min(size, left));
  return sizes;
}
