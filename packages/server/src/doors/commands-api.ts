import {
  commandListSchema,
  deviceCommandSchema,
  fleetCommandSchema,
  fleetCommandsSchema,
  fleetDevicesSchema,
  fleetPreviewSchema,
  limits,
  type NewCommandBody,
  type NewFleetCommandBody,
  newCommandSchema,
  newFleetCommandSchema,
  paths,
  type Refusal,
  refuse,
} from "@wattboard/protocol";
import { describeNewCommandFault, describeNewFleetCommandFault } from "@wattboard/protocol/validate";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { type Devices, isOwn } from "../access/devices.ts";
import type { Gate } from "../access/gate.ts";
import type { Clock } from "../base/clock.ts";
import type { CommandRecord } from "../commands/command-record.ts";
import type { CommandStore } from "../commands/command-store.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { FleetCommandRecord } from "../commands/fleet-command-record.ts";
import type { Asker, FleetCommander } from "../commands/fleet-commander.ts";
import { RateLimit } from "../link/rate-limit.ts";
import { auditName } from "./access-guard.ts";
import { commandBody, fleetCommandBody, fleetDeviceBody } from "./command-bodies.ts";
import { describeRoute, deviceParams, type RouteDescription } from "./openapi.ts";
import { sendRefusal } from "./problem.ts";

export interface CommandParts {
  readonly clock: Clock;
  readonly gate: Gate;
  readonly devices: Devices;
  readonly commands: Dispatcher;
  readonly commandStore: CommandStore;
  readonly fleetCommander: FleetCommander;
  /** How many commands one token or person may give. */
  readonly commandRate: { readonly perSecond: number; readonly burst: number };
}

/** Who gives commands is remembered for the rate limit; above this many, all begin anew. */
const givers = 10_000;
const retryAfterS = { too_many_requests: 1, too_many_commands: 5, commands_unavailable: 5 } as const;

interface DeviceParams {
  Params: { id: string };
}

interface CommandParams {
  Params: { id: string; command: string };
}

interface FleetParams {
  Params: { fleet: string };
}

const commandParams = Type.Object({
  ...deviceParams.properties,
  command: Type.String({ description: "The command's id", examples: ["cmd_8293"] }),
});
const fleetParams = Type.Object({ fleet: Type.String({ description: "The fleet command's id" }) });
const listQuery = Type.Object(
  {
    limit: Type.Integer({
      minimum: 1,
      maximum: limits.commandsKeptPerDevice,
      default: 50,
      description: "Commands, at most",
    }),
  },
  { additionalProperties: false },
);

interface ListQuery {
  Querystring: Type.Static<typeof listQuery>;
}

/** `/api/v1/devices/{id}/commands` and `/api/v1/fleet-commands`: giving commands, and following them to their end. */
export function registerCommandsApi(app: FastifyInstance, parts: CommandParts): void {
  const { clock, gate, devices, commands, commandStore, fleetCommander } = parts;
  const viewer = (about: Omit<RouteDescription, "role" | "tag">) =>
    describeRoute({ ...about, tag: "Commands", role: "viewer" });
  const rates = new Map<string, RateLimit>();

  const askerOf = ({ principal, raw }: FastifyRequest): Asker => ({
    name: auditName(principal),
    address: gate.addressOf(raw),
    mayCommand: (deviceId) => gate.mayCommand(principal, deviceId),
  });
  const isVisible = ({ principal }: FastifyRequest, deviceId: string): boolean =>
    gate.mayView(principal, deviceId) && devices.find(deviceId) !== undefined;
  /** Not of another device that had the id before. */
  const isOfPresent = ({ deviceId, createdAtMs }: CommandRecord): boolean => isOwn(devices.find(deviceId), createdAtMs);
  /** Who has devices of their own sees the fleet commands that they gave; those of others would tell of foreign devices. */
  const findFleet = (request: FastifyRequest, fleetCommandId: string): FleetCommandRecord | undefined => {
    const found = fleetCommander.find(fleetCommandId);
    return found !== undefined && isFleetVisible(request, found) ? found : undefined;
  };
  const isFleetVisible = ({ principal }: FastifyRequest, { requestedBy }: FleetCommandRecord): boolean =>
    gate.mayViewAll(principal) || requestedBy === auditName(principal);

  const limitRate = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { name } = askerOf(request);
    if (rates.size >= givers) rates.clear();
    let rate = rates.get(name);
    if (rate === undefined) {
      rate = new RateLimit(parts.commandRate.perSecond, parts.commandRate.burst, clock.monotonicMs());
      rates.set(name, rate);
    }
    if (rate.take(clock.monotonicMs())) return;
    const { perSecond, burst } = parts.commandRate;
    await refuseSoon(
      reply,
      refuse("too_many_requests", `${perSecond} a second may be given, and ${burst} at once; see commands.per_second.`),
    );
  };
  // The body is judged by the protocol's own schemas, which say in words what is wrong.
  const giving = (about: Omit<RouteDescription, "role" | "tag">) =>
    describeRoute({ ...about, tag: "Commands", role: "operator", onRequest: limitRate, judgesBody: true });

  app.post<DeviceParams>(
    `${paths.api}/devices/:id/commands`,
    giving({
      summary: "Give a device a command",
      description:
        "It is taken, and not yet applied: ask for it again to see how it goes. The same `command_id` with the same body is the same command.",
      params: deviceParams,
      body: newCommandSchema,
      answer: deviceCommandSchema,
      status: 202,
      errors: [404, 409, 422, 429],
    }),
    async (request, reply) => {
      const deviceId = request.params.id;
      if (!isVisible(request, deviceId)) return sendRefusal(reply, refuse("unknown_device"));
      if (!gate.mayCommand(request.principal, deviceId)) {
        return sendRefusal(reply, refuse("not_permitted", "You may look at this device, but not command it."));
      }
      const fault = describeNewCommandFault(request.body);
      if (fault !== null) return sendRefusal(reply, refuse("invalid_request", fault));
      const { action, payload, command_id: commandId, ttl_ms: ttlMs } = request.body as NewCommandBody;
      const { name: requestedBy, address } = askerOf(request);
      const given = await commands.submit({ deviceId, action, payload, commandId, ttlMs, requestedBy, address });
      return "code" in given ? refuseSoon(reply, given) : reply.code(202).send(commandBody(given));
    },
  );

  app.get<DeviceParams & ListQuery>(
    `${paths.api}/devices/:id/commands`,
    viewer({
      summary: "The commands of a device, newest first",
      description: `The newest ${limits.commandsKeptPerDevice} are kept.`,
      params: deviceParams,
      querystring: listQuery,
      answer: commandListSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const { id } = request.params;
      if (!isVisible(request, id)) return sendRefusal(reply, refuse("unknown_device"));
      const listed = await commandStore.list(id, request.query.limit);
      return { commands: listed.filter(isOfPresent).map(commandBody), announced: commands.announcementOf(id) };
    },
  );

  app.get<CommandParams>(
    `${paths.api}/devices/:id/commands/:command`,
    viewer({
      summary: "One command: how it stands, and each step with its time and cause",
      params: commandParams,
      answer: deviceCommandSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const { id, command } = request.params;
      const found = !isVisible(request, id) ? null : await commandStore.find(id, command);
      if (found !== null && isOfPresent(found)) return commandBody(found);
      return sendRefusal(
        reply,
        refuse("not_found", `The device has no such command; the newest ${limits.commandsKeptPerDevice} are kept.`),
      );
    },
  );

  app.post(
    `${paths.api}/fleet-commands`,
    giving({
      summary: "Begin a fleet command, or see whom it would reach",
      description: "With `dry_run` nothing is done, and the answer tells which devices it would be.",
      body: newFleetCommandSchema,
      answer: fleetCommandSchema,
      status: 202,
      otherAnswer: fleetPreviewSchema,
      errors: [429],
    }),
    async (request, reply) => {
      const fault = describeNewFleetCommandFault(request.body);
      if (fault !== null) return sendRefusal(reply, refuse("invalid_request", fault));
      const body = request.body as NewFleetCommandBody;
      if (body.dry_run === true) {
        const preview = await fleetCommander.preview(body, askerOf(request));
        return "code" in preview ? sendRefusal(reply, preview) : preview;
      }
      const begun = await fleetCommander.begin(body, askerOf(request));
      return "code" in begun
        ? refuseSoon(reply, begun)
        : reply.code(202).send(fleetCommandBody(begun, fleetCommander.countsOf(begun)));
    },
  );

  app.get(
    `${paths.api}/fleet-commands`,
    viewer({ summary: "Fleet commands of late", answer: fleetCommandsSchema }),
    (request) => ({
      fleet_commands: fleetCommander
        .list()
        .filter((each) => isFleetVisible(request, each))
        .map((each) => fleetCommandBody(each, fleetCommander.countsOf(each))),
    }),
  );

  app.get<FleetParams>(
    `${paths.api}/fleet-commands/:fleet`,
    viewer({ summary: "One fleet command", params: fleetParams, answer: fleetCommandSchema, errors: [404] }),
    (request, reply) => {
      const found = findFleet(request, request.params.fleet);
      if (found === undefined) return sendRefusal(reply, refuse("not_found", "There is no such fleet command."));
      return fleetCommandBody(found, fleetCommander.countsOf(found));
    },
  );

  app.get<FleetParams>(
    `${paths.api}/fleet-commands/:fleet/devices`,
    viewer({
      summary: "How a fleet command stands at each device",
      params: fleetParams,
      answer: fleetDevicesSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const { fleet } = request.params;
      if (findFleet(request, fleet) === undefined) {
        return sendRefusal(reply, refuse("not_found", "There is no such fleet command."));
      }
      const targets = await fleetCommander.targetsOf(fleet);
      return {
        devices: targets.filter(({ deviceId }) => gate.mayView(request.principal, deviceId)).map(fleetDeviceBody),
      };
    },
  );

  app.post<FleetParams>(
    `${paths.api}/fleet-commands/:fleet/abort`,
    describeRoute({
      tag: "Commands",
      role: "operator",
      summary: "Stop a fleet command: what was not given yet never is",
      params: fleetParams,
      answer: fleetCommandSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { fleet } = request.params;
      const isTheirs =
        request.principal?.devices === null || findFleet(request, fleet)?.requestedBy === askerOf(request).name;
      const aborted = isTheirs
        ? fleetCommander.abort(fleet, askerOf(request))
        : refuse("not_found", "There is no such fleet command.");
      if ("code" in aborted) return sendRefusal(reply, aborted);
      return fleetCommandBody(aborted, fleetCommander.countsOf(aborted));
    },
  );
}

/** Says when to come back, where that helps. */
function refuseSoon(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const seconds = (retryAfterS as Readonly<Record<string, number>>)[refusal.code];
  if (seconds !== undefined) reply.header("Retry-After", String(seconds));
  return sendRefusal(reply, refusal);
}
