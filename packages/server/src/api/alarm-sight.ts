import type { FastifyRequest } from "fastify";
import type { Authorizer } from "../access/authorizer.ts";
import { hasRole } from "../access/principal.ts";
import type { AlarmMember, AlarmRecord } from "../alarms/alarm-record.ts";
import type { EndedAlarm } from "../alarms/alarm-store.ts";
import { administratorKinds } from "../alarms/built-in-rules.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { SeenAlarm } from "./alarm-bodies.ts";
import { listDevices } from "./device-lookup.ts";

interface SightParts {
  readonly authorizer: Authorizer;
  readonly devices: DeviceRegistry;
}

/** An alarm that is in memory, with all its devices. */
interface WholeAlarm {
  readonly record: AlarmRecord;
  readonly members: ReadonlyMap<string, AlarmMember>;
}

const membersShown = 20;

/** What of alarms whoever asks may see: those of their devices, of a common one their devices alone; those of the server with the sight of all. */
export class AlarmSight {
  readonly #request: FastifyRequest;
  readonly #authorizer: Authorizer;
  /** The keys of the registrations that they may see; undefined: all. */
  readonly keys: readonly string[] | undefined;
  readonly #deviceIds: ReadonlySet<string> | null;
  readonly #isAdministrator: boolean;
  readonly #isOperator: boolean;
  readonly #mayViewNames: boolean;

  private constructor(
    request: FastifyRequest,
    { authorizer }: SightParts,
    seen: { key: string; deviceId: string }[] | null,
  ) {
    this.#request = request;
    this.#authorizer = authorizer;
    this.keys = seen?.map(({ key }) => key);
    this.#deviceIds = seen === null ? null : new Set(seen.map(({ deviceId }) => deviceId));
    const { principal } = request;
    const ofAll = principal !== null && principal.devices === null;
    this.#isAdministrator = ofAll && hasRole(principal, "admin");
    this.#mayViewNames = authorizer.mayViewNames(principal);
    this.#isOperator = hasRole(principal, "operator");
  }

  static async of(request: FastifyRequest, parts: SightParts): Promise<AlarmSight> {
    if (parts.authorizer.mayViewAll(request.principal)) return new AlarmSight(request, parts, null);
    const devices = await listDevices(parts, request);
    const seen = devices.map(({ registration, deviceId }) => ({ key: registration.key, deviceId }));
    return new AlarmSight(request, parts, seen);
  }

  maySeeDevice(deviceId: string): boolean {
    return this.#deviceIds === null || this.#deviceIds.has(deviceId);
  }

  /** What they see of an alarm in memory; null: nothing. */
  see({ record, members }: WholeAlarm): SeenAlarm | null {
    if (record.subject !== null) return this.#seeServer(record);
    if (this.keys === undefined) {
      const first = [...headOf(members.values(), membersShown)];
      return this.#seen(record, first, record.deviceCount, record.openDeviceCount, members.values());
    }
    const mine = this.#mineOf(members);
    const open = mine.filter(({ untilMs }) => untilMs === null);
    return mine.length === 0
      ? null
      : this.#seen(record, mine.slice(0, membersShown), mine.length, open.length, members.values());
  }

  /** What they see of an alarm that was asked for with their keys. */
  seeEnded({ record, members, memberCount }: EndedAlarm): SeenAlarm | null {
    if (record.subject !== null) return this.#seeServer(record);
    if (memberCount === 0) return null;
    return this.#seen(record, members, memberCount, 0, []);
  }

  /** Those of an alarm's devices that they may see, by id. */
  *membersOf({ members }: WholeAlarm, after: string): Generator<AlarmMember> {
    const mine = this.keys === undefined ? [...members.values()] : this.#mineOf(members);
    mine.sort((one, other) => (one.deviceId < other.deviceId ? -1 : 1));
    for (const member of mine) if (member.deviceId > after) yield member;
  }

  #mineOf(members: ReadonlyMap<string, AlarmMember>): AlarmMember[] {
    const keys = this.keys ?? [];
    if (keys.length <= members.size) return keys.map((key) => members.get(key)).filter((each) => each !== undefined);
    const mine = new Set(keys);
    return [...members.values()].filter(({ key }) => mine.has(key));
  }

  #seeServer(record: AlarmRecord): SeenAlarm | null {
    const isShown = administratorKinds.has(record.kind) ? this.#isAdministrator : this.keys === undefined;
    if (!isShown) return null;
    const mayAcknowledge = this.#isOperator && this.#request.principal?.devices === null;
    return {
      record,
      members: [],
      count: 0,
      openCount: 0,
      isAll: true,
      mayAcknowledge,
      mayViewNames: this.#mayViewNames,
    };
  }

  #seen(
    record: AlarmRecord,
    members: readonly AlarmMember[],
    count: number,
    openCount: number,
    all: Iterable<AlarmMember>,
  ): SeenAlarm {
    const isAll = count === record.deviceCount;
    const mayAcknowledge = record.clearedAtMs === null && this.#mayCommandAll(all);
    return { record, members, count, openCount, isAll, mayAcknowledge, mayViewNames: this.#mayViewNames };
  }

  /** Who takes an alarm on takes it on for all: whoever has some of its devices alone may not silence it for the others. */
  #mayCommandAll(members: Iterable<AlarmMember>): boolean {
    const { principal } = this.#request;
    if (!this.#isOperator) return false;
    if (principal?.devices === null) return true;
    for (const { deviceId, untilMs } of members) {
      if (untilMs === null && !this.#authorizer.mayCommand(principal, deviceId)) return false;
    }
    return true;
  }
}

function* headOf<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}
