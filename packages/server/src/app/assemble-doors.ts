import { AddressLimit } from "../access/address-limit.ts";
import { Authorizer, isLoopbackName } from "../access/authorizer.ts";
import { Tickets } from "../access/tickets.ts";
import { Dataset } from "../dialects/smart-os/dataset.ts";
import { SmartOsClientDoor } from "../dialects/smart-os/smart-os-client-door.ts";
import { SmartOsDeviceDoor } from "../dialects/smart-os/smart-os-device-door.ts";
import { ConnectRate } from "../doors/connect-rate.ts";
import { DeviceDoor } from "../doors/device-door.ts";
import { type DoorContext, Links } from "../doors/door.ts";
import { Floods } from "../doors/floods.ts";
import { createWebSocketServer } from "../doors/upgrade.ts";
import { UpgradeRouter } from "../doors/upgrade-router.ts";
import { createDashboardDoor, createFleetDoor } from "../doors/viewer-door.ts";
import { AuthorizationWatch } from "../http/authorization-watch.ts";
import { boundSockets } from "../http/socket-bound.ts";
import { Beats } from "../link/beats.ts";
import { Heartbeat } from "../link/heartbeat.ts";
import type { NotifyParts } from "./assemble-notify.ts";
import type { Defer } from "./closing.ts";

export type DoorParts = ReturnType<typeof assembleDoors>;

/** Who may come in, and the WebSocket addresses where they do. */
export function assembleDoors(defer: Defer, parts: NotifyParts) {
  const { clock, log, events, config, newId } = parts;
  const localToken = newId(32);
  const authorizer = new Authorizer(
    {
      dashboards: config.access.dashboards,
      origins: [...config.access.origins, ...(config.public_url === "" ? [] : [config.public_url])],
      loopbackOnly: isLoopbackName(config.host),
      isInsecure: config.insecure,
      metricsFrom: parts.metricsFrom,
      localToken,
    },
    parts,
  );
  const rightsWatch = new AuthorizationWatch(clock);
  defer("the look at rights", () => rightsWatch.stop());
  const heartbeat = new Heartbeat(clock);
  defer("the heartbeat", () => heartbeat.stop());
  const beats = new Beats(clock);
  heartbeat.add(beats);
  const socketBound = boundSockets(config.limits.sockets, clock, log, events);
  const tickets = new Tickets(clock);
  const context: DoorContext = {
    ...parts,
    tickets,
    connectRate: new ConnectRate(clock, config.limits.connects_per_second),
    addresses: new AddressLimit(config.limits.sockets_per_address, parts.proxies),
    authorizer,
    authorizationWatch: rightsWatch,
    beats,
    heartbeat,
    links: new Links(),
    floods: new Floods(clock, log, events),
    webSocketServer: createWebSocketServer(),
    frameATurnServer: createWebSocketServer({ frameATurn: true }),
    viewerFrameLimit: {
      perSecond: config.limits.viewer_frames_per_second,
      burst: config.limits.viewer_frames_burst,
      above: "close",
    },
    linkLimits: {
      pingMs: config.heartbeat.ping_ms,
      pongMsMax: config.heartbeat.pong_ms,
      outboxBytesMax: config.outbox.bytes,
      outboxStalledMsMax: config.outbox.stalled_ms,
    },
  };
  const router = new UpgradeRouter(openDoors(context, parts), { ...parts, authorizer, socketBound }, context.addresses);
  return {
    ...parts,
    localToken,
    authorizer,
    rightsWatch,
    socketBound,
    tickets,
    links: context.links,
    floods: context.floods,
    router,
  };
}

function openDoors(context: DoorContext, parts: NotifyParts) {
  const { config, devices, latest, fanout, fleetFeed, clientFeed } = parts;
  const { access, ok_after, auto_register, registered_max, client_bytes } = config.smart_os;
  const messageRate = {
    messagesPerSecond: config.limits.messages_per_second,
    messagesBurst: config.limits.messages_burst,
  };
  return {
    device: new DeviceDoor(
      context,
      { ...parts, generalLog: config.log.general === "all" ? parts.generalLog : null },
      messageRate,
    ),
    dashboard: createDashboardDoor(context, devices, latest, fanout),
    fleet: createFleetDoor(context, fleetFeed),
    update: new SmartOsDeviceDoor(
      context,
      { ...parts, waiting: parts.waitingDevices },
      {
        access,
        okAfter: ok_after,
        autoRegister: auto_register,
        registeredMax: registered_max,
        ...messageRate,
      },
    ),
    client: new SmartOsClientDoor(context, new Dataset(devices, latest), clientFeed, {
      isOpen: access !== "off",
      outboxBytesMax: client_bytes,
    }),
  };
}
