import { newTicketSchema, paths, refuse, ticketSchema } from "@wattboard/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type Type from "typebox";
import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { Principal } from "../access/principal.ts";
import type { Tickets } from "../access/tickets.ts";
import type { Clock } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import { audited } from "../http/access-guard.ts";
import { defineRoute } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";

export interface TicketParts {
  readonly audit: Audit;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly devices: DeviceRegistry;
  readonly tickets: Tickets;
}

/** Tickets, which let a page of another site open one WebSocket. */
export function registerTicketsApi(app: FastifyInstance, parts: TicketParts): void {
  const { authorizer, clock, devices, tickets } = parts;

  /** A ticket speaks in somebody's name: whoever has none needs none. */
  const isNamed = async ({ principal }: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!authorizer.mayViewNames(principal)) await sendRefusal(reply, refuse("unauthorized"));
  };

  app.post<{ Body: Type.Static<typeof newTicketSchema> }>(
    `${paths.api}/tickets`,
    defineRoute({
      tag: "Sharing",
      role: "viewer",
      onRequest: isNamed,
      summary: "A ticket that lets one WebSocket look at one device or at the fleet: once, within 30 s",
      description:
        "For pages of other sites: ask for it from a server of yours, and offer it as the subprotocol `ticket.<ticket>` beside `wattboard.v1`. It holds as long as the rights of whoever asked for it.",
      body: newTicketSchema,
      answer: ticketSchema,
      status: 201,
      errors: [404, 429],
    }),
    (request, reply) => {
      const { device_id: deviceId = null } = request.body;
      // `isNamed` has seen that somebody asks.
      const principal = request.principal as Principal;
      if (deviceId !== null && !(authorizer.mayView(principal, deviceId) && devices.find(deviceId) !== undefined)) {
        return sendRefusal(reply, refuse("unknown_device"));
      }
      const issued = audited(parts, request, { action: "ticket.issue", deviceId }, () =>
        tickets.issue(principal, deviceId),
      );
      if ("code" in issued) return sendRefusal(reply.header("Retry-After", "30"), issued);
      reply.code(201);
      return { ticket: issued.ticket, expires_at: isoTime(clock.wallMs() + issued.expiresInMs) };
    },
  );
}
