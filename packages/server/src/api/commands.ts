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
import type { Authorizer } from "../access/authorizer.ts";
import { type Principal, requesterOf } from "../access/principal.ts";
import type { Clock } from "../base/clock.ts";
import { RateLimit } from "../base/rate-limit.ts";
import { isSameRequester, requesterText } from "../base/requester.ts";
import { commandBody, type Reader } from "../commands/command-body.ts";
import { requesterOf as requesterOfRecord } from "../commands/command-record.ts";
import type { Dispatcher } from "../commands/dispatcher.ts";
import type { FleetCommandRecord, FleetTarget } from "../commands/fleet-command-record.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import { cursorReader, writeCursor } from "../http/cursor.ts";
import { defineRoute, deviceParams, type RouteDefinition } from "../http/define-route.ts";
import { sendPage, writePage } from "../http/json-page.ts";
import { sendRefusal } from "../http/problem.ts";
import type { RolloutCaller, RolloutManager } from "../rollouts/rollout-manager.ts";
import { fleetCommandBody, fleetDeviceBody } from "./fleet-command-bodies.ts";

export interface CommandParts {
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly devices: DeviceRegistry;
  readonly commands: Dispatcher;
  readonly rollouts: RolloutManager;
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

const fleetDevicesQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 10_000, description: "Devices a page, at most" }),
    cursor: Type.Optional(Type.String({ description: "`next_cursor` of the page before", maxLength: 500 })),
  },
  { additionalProperties: false },
);
const readFleetPlace = cursorReader(
  Type.Object({ wave: Type.Integer(), after: Type.String() }, { additionalProperties: false }),
);

interface ListQuery {
  Querystring: Type.Static<typeof listQuery>;
}

/** `/api/v1/devices/{id}/commands` and `/api/v1/fleet-commands`: giving commands, and following them to their end. */
export function registerCommandsApi(app: FastifyInstance, parts: CommandParts): void {
  const { clock, authorizer, devices, commands, rollouts } = parts;
  const viewer = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "Commands", role: "viewer" });
  const rates = new Map<string, RateLimit>();

  /** For operators: they are known. */
  const callerOf = ({ principal, raw }: FastifyRequest): RolloutCaller => ({
    requester: requesterOf(principal as Principal),
    address: authorizer.addressOf(raw),
    mayCommand: (deviceId) => authorizer.mayCommand(principal, deviceId),
  });
  const readerOf = ({ principal }: FastifyRequest): Reader => ({ mayViewNames: authorizer.mayViewNames(principal) });
  const isVisible = ({ principal }: FastifyRequest, deviceId: string): boolean =>
    authorizer.mayView(principal, deviceId) && devices.find(deviceId) !== undefined;
  /** Who has devices of their own sees the fleet commands that they gave; those of others would tell of foreign devices. */
  const findFleet = (request: FastifyRequest, fleetCommandId: string): FleetCommandRecord | undefined => {
    const found = rollouts.find(fleetCommandId);
    return found !== undefined && isFleetVisible(request, found) ? found : undefined;
  };
  const isFleetVisible = ({ principal }: FastifyRequest, record: FleetCommandRecord): boolean =>
    authorizer.mayViewAll(principal) || isTheirs(principal, record);
  const isTheirs = (principal: Principal | null, record: FleetCommandRecord): boolean =>
    principal !== null &&
    authorizer.mayViewNames(principal) &&
    isSameRequester(requesterOf(principal), requesterOfRecord(record));
  const fleetBody = (request: FastifyRequest, record: FleetCommandRecord) =>
    fleetCommandBody(record, rollouts.countsOf(record), readerOf(request));

  const limitRate = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const name = requesterText(callerOf(request).requester);
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
  const giving = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "Commands", role: "operator", onRequest: limitRate, judgesBody: true });

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
      if (!authorizer.mayCommand(request.principal, deviceId)) {
        return sendRefusal(reply, refuse("not_permitted", "You may look at this device, but not command it."));
      }
      const fault = describeNewCommandFault(request.body);
      if (fault !== null) return sendRefusal(reply, refuse("invalid_request", fault));
      const { action, payload, command_id: commandId, ttl_ms: ttlMs } = request.body as NewCommandBody;
      const { requester, address } = callerOf(request);
      const given = await commands.submit({ deviceId, action, payload, commandId, ttlMs, requester, address });
      return "code" in given ? refuseSoon(reply, given) : reply.code(202).send(commandBody(given, readerOf(request)));
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
      const listed = await commands.listStored(id, request.query.limit);
      const reader = readerOf(request);
      return {
        commands: listed.map((each) => commandBody(each, reader)),
        announced: commands.capabilitiesOf(id),
      };
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
      const found = !isVisible(request, id) ? null : await commands.findStored(id, command);
      if (found !== null) return commandBody(found, readerOf(request));
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
        const preview = await rollouts.preview(body, callerOf(request));
        return "code" in preview ? sendRefusal(reply, preview) : preview;
      }
      const begun = await rollouts.begin(body, callerOf(request));
      return "code" in begun ? refuseSoon(reply, begun) : reply.code(202).send(fleetBody(request, begun));
    },
  );

  app.get(
    `${paths.api}/fleet-commands`,
    viewer({ summary: "Fleet commands of late", answer: fleetCommandsSchema }),
    (request) => ({
      fleet_commands: rollouts
        .list()
        .filter((each) => isFleetVisible(request, each))
        .map((each) => fleetBody(request, each)),
    }),
  );

  app.get<FleetParams>(
    `${paths.api}/fleet-commands/:fleet`,
    viewer({ summary: "One fleet command", params: fleetParams, answer: fleetCommandSchema, errors: [404] }),
    (request, reply) => {
      const found = findFleet(request, request.params.fleet);
      if (found === undefined) return sendRefusal(reply, refuse("not_found", "There is no such fleet command."));
      return fleetBody(request, found);
    },
  );

  app.get<FleetParams & { Querystring: Type.Static<typeof fleetDevicesQuery> }>(
    `${paths.api}/fleet-commands/:fleet/devices`,
    viewer({
      summary: "How a fleet command stands at each device, page by page",
      params: fleetParams,
      querystring: fleetDevicesQuery,
      answer: fleetDevicesSchema,
      errors: [404],
    }),
    async (request, reply) => {
      const { fleet } = request.params;
      const { limit, cursor } = request.query;
      if (findFleet(request, fleet) === undefined) {
        return sendRefusal(reply, refuse("not_found", "There is no such fleet command."));
      }
      const place = cursor === undefined ? null : readFleetPlace(cursor);
      if (cursor !== undefined && place === null) return sendRefusal(reply, refuse("invalid_cursor"));
      const isShown = ({ wave, deviceId }: FleetTarget): boolean =>
        authorizer.mayView(request.principal, deviceId) &&
        (place === null || wave > place.wave || (wave === place.wave && deviceId > place.after));
      const reader = readerOf(request);
      const page = await writePage((await rollouts.targetsOf(fleet)).filter(isShown), limit, (each) =>
        fleetDeviceBody(each, reader),
      );
      const next =
        page.isMore && page.last !== undefined
          ? writeCursor({ wave: page.last.wave, after: page.last.deviceId })
          : null;
      return sendPage(reply, "devices", page, { next_cursor: next });
    },
  );

  app.post<FleetParams>(
    `${paths.api}/fleet-commands/:fleet/abort`,
    defineRoute({
      tag: "Commands",
      role: "operator",
      summary: "Stop a fleet command: what was not given yet never is",
      params: fleetParams,
      answer: fleetCommandSchema,
      errors: [404, 409],
    }),
    (request, reply) => {
      const { fleet } = request.params;
      const { principal } = request;
      const found = rollouts.find(fleet);
      const mayEnd = principal?.devices === null || (found !== undefined && isTheirs(principal, found));
      const aborted = mayEnd
        ? rollouts.abort(fleet, callerOf(request))
        : refuse("not_found", "There is no such fleet command.");
      if ("code" in aborted) return sendRefusal(reply, aborted);
      return fleetBody(request, aborted);
    },
  );
}

/** Says when to come back, where that helps. */
function refuseSoon(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const seconds = (retryAfterS as Readonly<Record<string, number>>)[refusal.code];
  if (seconds !== undefined) reply.header("Retry-After", String(seconds));
  return sendRefusal(reply, refusal);
}
