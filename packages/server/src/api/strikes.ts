import { newStrikeSchema, paths, strikeSchema, strikesSchema } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { strikeBody, strikeOut, undoStrike } from "../history/strike-out.ts";
import { auditEntry, auditedTask } from "../http/access-guard.ts";
import { defineRoute, deviceParams } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import type { ArchiveParts } from "./archive-parts.ts";
import { type DeviceParams, lookUpDevice } from "./device-lookup.ts";

const strikeParams = Type.Object({
  ...deviceParams.properties,
  strike: Type.String({ pattern: "^[0-9]{1,15}$", description: "The number of the strike" }),
});

type StrikeParts = Pick<ArchiveParts, "audit" | "authorizer" | "clock" | "devices" | "store">;

/** `/api/v1/devices/{id}/strikes`: wrong values that count for nothing, until that is undone. */
export function registerStrikesApi(app: FastifyInstance, parts: StrikeParts): void {
  const { authorizer, clock, store } = parts;
  const tag = "History";

  app.get<DeviceParams>(
    `${paths.api}/devices/:id/strikes`,
    defineRoute({
      tag,
      role: "viewer",
      summary: "What is struck out of its past",
      params: deviceParams,
      answer: strikesSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const showsNames = authorizer.mayViewNames(request.principal);
      const strikes = await store.strikes(device.registration);
      return { strikes: strikes.map((each) => strikeBody(device.deviceId, each, showsNames)) };
    },
  );

  app.post<DeviceParams & { Body: Type.Static<typeof newStrikeSchema> }>(
    `${paths.api}/devices/:id/strikes`,
    defineRoute({
      tag,
      role: "admin",
      summary: "Strike wrong values out",
      description:
        "From then on they are null wherever they would stand, in sums and charts as well. What was stored is kept, and comes back when the strike is undone.",
      params: deviceParams,
      body: newStrikeSchema,
      answer: strikeSchema,
      status: 201,
      errors: [404],
    }),
    async (request, reply) => {
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const { deviceId } = device;
      const entry = { action: "history.strike", deviceId, detail: request.body };
      const { who } = auditEntry(authorizer, request, entry);
      const made = await auditedTask(parts, request, entry, () =>
        strikeOut(store, device, request.body, { atMs: clock.wallMs(), by: who }),
      );
      return "code" in made ? sendRefusal(reply, made) : reply.code(201).send(strikeBody(deviceId, made));
    },
  );
  registerUnstrike(app, parts);
}

function registerUnstrike(app: FastifyInstance, parts: StrikeParts): void {
  app.delete<{ Params: Type.Static<typeof strikeParams> }>(
    `${paths.api}/devices/:id/strikes/:strike`,
    defineRoute({
      tag: "History",
      role: "admin",
      summary: "Undo a strike: the values count again",
      params: strikeParams,
      answer: strikeSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const device = lookUpDevice(parts, request, request.params.id);
      if ("code" in device) return sendRefusal(reply, device);
      const { deviceId } = device;
      const { strike } = request.params;
      const undone = await auditedTask(parts, request, { action: "history.unstrike", deviceId, target: strike }, () =>
        undoStrike(parts.store, device, Number(strike)),
      );
      return "code" in undone ? sendRefusal(reply, undone) : strikeBody(deviceId, undone);
    },
  );
}
