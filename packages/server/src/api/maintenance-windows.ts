import {
  isRefusal,
  type MaintenanceWindowsBody,
  maintenanceWindowSchema,
  maintenanceWindowsSchema,
  type NewMaintenanceWindowBody,
  newMaintenanceWindowSchema,
  parseRfc3339,
  paths,
  refuse,
} from "@wattboard/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import Type from "typebox";
import { type Principal, requesterOf } from "../access/principal.ts";
import { isSameRequester } from "../base/requester.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import type { MaintenanceWindow } from "../notify/records.ts";
import { maintenanceWindowBody } from "./notify-bodies.ts";
import { auditedAndStored, type NotificationParts } from "./notify-parts.ts";

const windowParams = Type.Object({ window: Type.String({ description: "The window's id" }) });
const listQuery = Type.Object(
  { device_id: Type.Optional(Type.String({ description: "Only the one that this device is in now" })) },
  { additionalProperties: false },
);

/** `/api/v1/maintenance-windows`: times in which nobody is told of some devices. For those who may command these. */
export function registerMaintenanceWindowsApi(app: FastifyInstance, parts: NotificationParts): void {
  const { authorizer, clock } = parts;
  const { windows, notifier } = parts.notifications;
  const route = (about: Omit<RouteDefinition, "tag">) => defineRoute({ ...about, tag: "Notifications" });
  const bodyOf = (window: MaintenanceWindow) => maintenanceWindowBody(window, windows.isActive(window));

  app.get<{ Querystring: { device_id?: string } }>(
    `${paths.api}/maintenance-windows`,
    route({
      summary: "Times in which nobody is told of some devices",
      description:
        "Those that have not ended: one's own, and for who sees all devices everybody's. With `device_id`: the one that it is in.",
      role: "viewer",
      querystring: listQuery,
      answer: maintenanceWindowsSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { device_id: deviceId } = request.query;
      if (deviceId === undefined) {
        const body: MaintenanceWindowsBody = {
          windows: windows
            .list()
            .filter((window) => isVisible(request, window))
            .map(bodyOf),
        };
        return body;
      }
      if (!authorizer.mayView(request.principal, deviceId)) return sendRefusal(reply, refuse("unknown_device"));
      const window = windows.of(deviceId);
      // Other devices that it names are not theirs to know.
      const shown = window === undefined ? [] : [{ ...bodyOf(window), device_ids: [deviceId], where: [] }];
      return { windows: shown };
    },
  );

  app.post<{ Body: NewMaintenanceWindowBody }>(
    `${paths.api}/maintenance-windows`,
    route({
      summary: "Begin a time in which nobody is told of some devices",
      description: "Of those that `where` finds, it is about those that whoever makes it may command.",
      role: "operator",
      body: newMaintenanceWindowSchema,
      answer: maintenanceWindowSchema,
      status: 201,
      errors: [404],
    }),
    async (request, reply) => {
      const { device_ids: deviceIds = [], where = [], note = "", from, until } = request.body;
      const unknown = deviceIds.find((deviceId) => !authorizer.mayView(request.principal, deviceId));
      if (unknown !== undefined) return sendRefusal(reply, refuse("unknown_device"));
      if (deviceIds.some((deviceId) => !authorizer.mayCommand(request.principal, deviceId))) {
        return sendRefusal(reply, refuse("not_permitted", "Who may command the devices may do this."));
      }
      const wanted = {
        deviceIds: [...new Set(deviceIds)],
        where,
        note,
        fromMs: from === undefined ? clock.wallMs() : parseRfc3339(from),
        untilMs: parseRfc3339(until),
        createdBy: requesterOf(request.principal as Principal),
      };
      const detail = { device_ids: deviceIds.slice(0, 20), devices: deviceIds.length, where, until };
      const entry = { action: "maintenance.begin", target: note.slice(0, 100), detail };
      const made = await auditedAndStored(parts, request, entry, () => windows.add(wanted));
      return isRefusal(made) ? sendRefusal(reply, made) : reply.code(201).send(bodyOf(made));
    },
  );

  app.post<{ Params: { window: string } }>(
    `${paths.api}/maintenance-windows/:window/end`,
    route({
      summary: "End it now; what still holds is told",
      role: "operator",
      params: windowParams,
      answer: maintenanceWindowSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const found = windows.find(request.params.window);
      if (found === undefined || !isVisible(request, found)) {
        return sendRefusal(reply, refuse("not_found", "There is no such window."));
      }
      const entry = { action: "maintenance.end", target: found.windowId };
      const ended = await auditedAndStored(parts, request, entry, () => {
        windows.end(found);
        return found;
      });
      if (isRefusal(ended)) return sendRefusal(reply, ended);
      notifier.tellWhatHolds();
      return { ...bodyOf(ended), is_active: false };
    },
  );

  function isVisible({ principal }: FastifyRequest, { createdBy }: MaintenanceWindow): boolean {
    if (principal === null || !authorizer.mayViewNames(principal)) return false;
    return authorizer.mayViewAll(principal) || isSameRequester(requesterOf(principal), createdBy);
  }
}
