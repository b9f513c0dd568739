import {
  type BulkDevicesAnswer,
  type BulkDevicesBody,
  type BulkRotationsAnswer,
  type BulkRotationsBody,
  bulkDevicesAnswerSchema,
  bulkDevicesSchema,
  bulkRotationsAnswerSchema,
  bulkRotationsSchema,
  isRefusal,
  overlapSDefault,
  paths,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { untilNextTurn } from "../base/clock.ts";
import type { Provisioned } from "../devices/device-registry.ts";
import { auditEntry } from "../http/access-guard.ts";
import { defineRoute } from "../http/define-route.ts";
import { rotationBody } from "./device-bodies.ts";
import type { RegistrationParts } from "./registration-parts.ts";

/** Entries that are carried out in one turn of the event loop, and in one transaction. */
const turnEntries = 10;
const bodyBytesMax = 1024 * 1024;

/** `/api/v1/bulk`: many devices in one request. Each entry has its own outcome, and a request that comes twice does nothing the second time. */
export function registerBulkDevicesApi(app: FastifyInstance, parts: RegistrationParts): void {
  const { devices, live, log } = parts;

  app.post<{ Body: BulkDevicesBody }>(
    `${paths.api}/bulk/devices`,
    {
      ...defineRoute({
        tag: "Administration",
        role: "admin",
        summary: "Register many devices",
        description:
          "Give tokens of your own where the answer could get lost: then the request can simply be repeated.",
        body: bulkDevicesSchema,
        answer: bulkDevicesAnswerSchema,
        errors: [413],
      }),
      bodyLimit: bodyBytesMax,
    },
    async (request): Promise<BulkDevicesAnswer> => {
      const entries = request.body.devices;
      const outcomes = await inTurns(parts, request, "device.add", entries, (some) => {
        const added = devices.addAll(
          some.map(({ device_id: deviceId, keep_history: keepHistory, ...rest }) => ({
            deviceId,
            keepHistory,
            ...rest,
          })),
          { isDurable: true },
        );
        for (const each of added) if (!isRefusal(each)) live.changed(each.device.deviceId);
        return added;
      });
      log.info({ devices: outcomes.filter(isDone).length }, "devices added");
      return { results: outcomes.map((each, at) => outcomeOf(each, entries[at], "added")) };
    },
  );

  app.post<{ Body: BulkRotationsBody }>(
    `${paths.api}/bulk/rotations`,
    {
      ...defineRoute({
        tag: "Administration",
        role: "admin",
        summary: "Give many devices new tokens",
        description: "As `POST /devices/{id}/rotate` does for one.",
        body: bulkRotationsSchema,
        answer: bulkRotationsAnswerSchema,
        errors: [413],
      }),
      bodyLimit: bodyBytesMax,
    },
    async (request): Promise<BulkRotationsAnswer> => {
      const { devices: entries, overlap_s: overlapS = overlapSDefault } = request.body;
      const outcomes = await inTurns(parts, request, "device.rotate", entries, (some) => {
        const wanted = some.map(({ device_id: deviceId, token }) => ({ deviceId, token }));
        const rotated = devices.rotateAll(wanted, overlapS * 1_000);
        const ids = rotated.flatMap((each) => (isRefusal(each) ? [] : [each.device.deviceId]));
        const isOverlapping = (deviceId: string) => devices.rotations.find(deviceId) !== undefined;
        live.rotated(ids.filter(isOverlapping));
        for (const deviceId of ids) if (!isOverlapping(deviceId)) live.tokenChanged(deviceId, "rotated");
        return rotated;
      });
      const rotationOf = (deviceId = "") => rotationBody(devices, deviceId, live.handoverOf(deviceId));
      return {
        results: outcomes.map((each, at) => ({
          ...outcomeOf(each, entries[at], "rotated"),
          ...(!isRefusal(each) && { rotation: rotationOf(entries[at]?.device_id) }),
        })),
      };
    },
  );
}

interface BulkEntry {
  readonly device_id: string;
  readonly token?: string | undefined;
}

type Outcome = Provisioned | Refusal | "same";

function isDone(outcome: Outcome): outcome is Provisioned {
  return outcome !== "same" && !isRefusal(outcome);
}

/** Does some at a time, and records each; gives what became of all, in their order. What was done before the audit failed stays done: it is `same` the next time. */
async function inTurns<T extends BulkEntry>(
  { audit, authorizer, clock, devices }: RegistrationParts,
  request: FastifyRequest,
  action: string,
  entries: readonly T[],
  act: (some: readonly T[]) => readonly (Provisioned | Refusal)[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const seen = new Set<string>();
  for (let from = 0; from < entries.length; from += turnEntries) {
    if (from > 0) await untilNextTurn(clock);
    audit.assertWritable();
    const some = entries.slice(from, from + turnEntries);
    const judged = some.map(({ device_id: deviceId, token }): Refusal | "same" | null => {
      if (seen.has(deviceId)) return refuse("invalid_request", `The request names ${deviceId} twice.`);
      seen.add(deviceId);
      return token !== undefined && devices.authenticate(deviceId, token) === "newest" ? "same" : null;
    });
    const made = act(some.filter((_, at) => judged[at] === null)).values();
    const found = judged.map((each) => each ?? (made.next().value as Provisioned | Refusal));
    audit.recordAll(
      found.flatMap((each, at) => {
        if (each === "same") return [];
        const outcome = isRefusal(each) ? each.code : "done";
        return [auditEntry(authorizer, request, { action, deviceId: some[at]?.device_id ?? "", outcome })];
      }),
    );
    outcomes.push(...found);
  }
  return outcomes;
}

function outcomeOf<Done extends string>(outcome: Outcome, entry: BulkEntry | undefined, done: Done) {
  const device_id = entry?.device_id ?? "";
  if (outcome === "same") return { device_id, outcome, ...(entry?.token !== undefined && { token: entry.token }) };
  if (isRefusal(outcome)) return { device_id, outcome: "refused" as const, ...outcome };
  return { device_id, outcome: done, token: outcome.token };
}
