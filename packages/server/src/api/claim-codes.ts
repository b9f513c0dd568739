import {
  type ClaimCodeBody,
  type ClaimCodesBody,
  claimCodesSchema,
  isRefusal,
  type NewClaimCodesBody,
  newClaimCodesSchema,
  paths,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { untilNextTurn } from "../base/clock.ts";
import { auditEntry } from "../http/access-guard.ts";
import { sendRefusal } from "../http/problem.ts";
import { makeLabelSheet } from "./label-sheet.ts";
import { administrativeRoute, type RegistrationParts } from "./registration-parts.ts";

export interface ClaimCodeParts extends RegistrationParts {
  /** What links begin with; null where the server has not been told. */
  readonly publicUrl: string | null;
}

/** Codes that are made in one turn of the event loop, and in one transaction. */
const turnCodes = 50;
const bodyBytesMax = 256 * 1024;

/** Codes with which whoever holds a box claims it, and the labels that carry them. */
export function registerClaimCodesApi(app: FastifyInstance, parts: ClaimCodeParts): void {
  const { clock, publicUrl } = parts;

  app.post<{ Body: NewClaimCodesBody }>(
    `${paths.api}/claim-codes`,
    {
      ...administrativeRoute({
        summary: "Make the codes with which boxes are claimed",
        description:
          "Each is shown this once. The one that a device had before is void. A device that somebody has claimed gets none.",
        body: newClaimCodesSchema,
        answer: claimCodesSchema,
        status: 201,
        errors: [413],
      }),
      bodyLimit: bodyBytesMax,
    },
    async (request, reply) => reply.code(201).send(await makeCodes(parts, request)),
  );

  app.post<{ Body: NewClaimCodesBody }>(
    `${paths.api}/claim-labels`,
    {
      ...administrativeRoute({
        summary: "As `POST /claim-codes`, as labels on sheets of A4",
        description:
          "It refuses if one of the devices can get no code, and if the server has not been told its `public_url`.",
        body: newClaimCodesSchema,
        answer: ["application/pdf"],
        errors: [404, 409, 413],
      }),
      bodyLimit: bodyBytesMax,
    },
    async (request, reply) => {
      if (publicUrl === null) {
        return sendRefusal(reply, refuse("invalid_request", "Labels need the server's address: set public_url."));
      }
      const fault = claimFault(parts, request.body.device_ids);
      if (fault !== null) return sendRefusal(reply, fault);
      const { claim_codes: codes } = await makeCodes(parts, request);
      const pdf = await makeLabelSheet(codes.map(claimLabel), () => untilNextTurn(clock));
      return reply
        .type("application/pdf")
        .header("Content-Disposition", 'attachment; filename="labels.pdf"')
        .header("Cache-Control", "no-store")
        .send(pdf);
    },
  );
}

function claimLabel({ device_id: deviceId, name, code, url }: ClaimCodeBody) {
  return { deviceId, name, code, url: url ?? "" };
}

/** Why the first that can get none gets none; null: all can. */
function claimFault({ claims, devices }: RegistrationParts, deviceIds: readonly string[]): Refusal | null {
  const unknown = deviceIds.find((each) => devices.find(each) === undefined);
  if (unknown !== undefined)
    return refuse("unknown_device", `It was asked for as ${JSON.stringify(unknown.slice(0, 80))}.`);
  const claimed = deviceIds.find((each) => claims.ownerOf(each) !== null);
  return claimed === undefined ? null : refuse("device_claimed", `It is ${claimed}.`);
}

async function makeCodes(
  { audit, authorizer, claims, clock, devices, publicUrl }: ClaimCodeParts,
  request: FastifyRequest<{ Body: NewClaimCodesBody }>,
): Promise<ClaimCodesBody> {
  const ids = [...new Set(request.body.device_ids)];
  const made: ClaimCodeBody[] = [];
  const refused: ClaimCodesBody["refused"][number][] = [];
  for (let from = 0; from < ids.length; from += turnCodes) {
    if (from > 0) await untilNextTurn(clock);
    audit.assertWritable();
    const some = ids.slice(from, from + turnCodes);
    const known = some.filter((each) => devices.find(each) !== undefined);
    const codes = new Map(claims.label(known).map((code, at) => [known[at], code]));
    const outcomes = some.map((deviceId) => ({ deviceId, code: codes.get(deviceId) ?? refuse("unknown_device") }));
    audit.recordAll(
      outcomes.map(({ deviceId, code }) => {
        const outcome = isRefusal(code) ? code.code : "done";
        return auditEntry(authorizer, request, { action: "claim_code.make", deviceId, outcome });
      }),
    );
    for (const { deviceId, code } of outcomes) {
      if (isRefusal(code)) refused.push({ device_id: deviceId, ...code });
      else {
        const path = `/claim#${deviceId}.${code}`;
        const name = devices.find(deviceId)?.name ?? deviceId;
        made.push({ device_id: deviceId, name, code, path, url: publicUrl === null ? null : publicUrl + path });
      }
    }
  }
  return { claim_codes: made, refused };
}
