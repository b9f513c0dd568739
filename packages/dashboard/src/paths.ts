import { paths } from "@wattboard/protocol";

/** Under which path the server is: `/energy`, or nothing. It has written that into `index.html`; in development it stands there as `./`. */
export const basePath = (document.documentElement.dataset.base ?? "").replace(/^\.|\/$/g, "");

/** The server's address, behind which the paths of links come. */
export const serverUrl = location.origin + basePath;

/** Where the pages are, for the router, which puts the base path before them. Ids and names come from outside, so they are encoded here and nowhere else. */
export const pagePaths = {
  fleet: "/",
  device: (deviceId: string) => `/devices/${encodeURIComponent(deviceId)}`,
  fleetCommands: "/fleet-commands",
  /** `view`: that of the fleet's table, whose devices it is for. */
  newFleetCommand: (view: URLSearchParams) => `/fleet-commands/new?${view}`,
  fleetCommand: (fleetCommandId: string) => `/fleet-commands/${encodeURIComponent(fleetCommandId)}`,
  people: "/people",
  account: "/account",
  notifications: "/account/notifications",
  maintenance: (deviceId?: string) =>
    deviceId === undefined ? "/maintenance" : `/maintenance?${query({ device: deviceId })}`,
  audit: "/audit",
  signIn: (to?: string) => (to === undefined ? "/sign-in" : `/sign-in?${query({ to })}`),
} as const;

/** Where the API answers. */
export const apiPaths = {
  me: api("/me"),
  password: api("/me/password"),
  session: (everywhere = false) => api(everywhere ? "/session?everywhere=true" : "/session"),
  shareSession: api("/share-session"),
  inspectLink: api("/one-time-links/inspect"),
  redeemLink: api("/one-time-links/redeem"),
  firstSteps: api("/first-steps"),
  devices: api("/devices"),
  device: (deviceId: string) => deviceApi(deviceId),
  points: (deviceId: string) => deviceApi(deviceId, "/points"),
  samples: (deviceId: string, given: QueryValues) => deviceApi(deviceId, "/samples", given),
  history: (deviceId: string, given: QueryValues) => deviceApi(deviceId, "/history", given),
  energy: (deviceId: string, given: QueryValues) => deviceApi(deviceId, "/energy", given),
  timeline: (deviceId: string, given: QueryValues) => deviceApi(deviceId, "/timeline", given),
  commands: (deviceId: string, given: QueryValues = {}) => deviceApi(deviceId, "/commands", given),
  fleetCommands: api("/fleet-commands"),
  fleetCommand: (fleetCommandId: string) => api(`/fleet-commands/${encodeURIComponent(fleetCommandId)}`),
  fleetCommandDevices: (fleetCommandId: string, given: QueryValues = {}) =>
    api(`/fleet-commands/${encodeURIComponent(fleetCommandId)}/devices`, given),
  abortFleetCommand: (fleetCommandId: string) => api(`/fleet-commands/${encodeURIComponent(fleetCommandId)}/abort`),
  strikes: (deviceId: string) => deviceApi(deviceId, "/strikes"),
  strike: (deviceId: string, number: number) => deviceApi(deviceId, `/strikes/${number}`),
  shareLinks: (deviceId: string) => deviceApi(deviceId, "/share-links"),
  shareLink: (deviceId: string, shareId: string) => deviceApi(deviceId, `/share-links/${encodeURIComponent(shareId)}`),
  renewal: api("/store/renewal"),
  events: (given: QueryValues = {}) => api("/events", given),
  people: api("/people"),
  person: (name: string) => api(`/people/${encodeURIComponent(name)}`),
  personOutstanding: (name: string) => api(`/people/${encodeURIComponent(name)}/outstanding`),
  personLink: (name: string) => api(`/people/${encodeURIComponent(name)}/link`),
  audit: (given: QueryValues) => api("/audit", given),
  auditExport: (given: QueryValues) => api("/audit/export", { format: "csv", ...given }),
  verifyAudit: api("/audit/verify"),
  channels: api("/me/channels"),
  channel: (channelId: string, act = "") => api(`/me/channels/${encodeURIComponent(channelId)}${act}`),
  notificationPreferences: api("/me/notification-preferences"),
  notifications: (given: QueryValues = {}) => api("/me/notifications", given),
  failingChannels: api("/notifications/failing"),
  escalation: api("/escalation"),
  maintenanceWindows: (given: QueryValues = {}) => api("/maintenance-windows", given),
  endMaintenance: (windowId: string) => api(`/maintenance-windows/${encodeURIComponent(windowId)}/end`),
  waiting: api("/smart-os/waiting"),
  acceptWaiting: (deviceId: string) => api(`/smart-os/waiting/${encodeURIComponent(deviceId)}/accept`),
} as const;

type QueryValues = Readonly<Record<string, string | number>>;

function deviceApi(deviceId: string, rest = "", given: QueryValues = {}): string {
  return api(`/devices/${encodeURIComponent(deviceId)}${rest}`, given);
}

function api(path: string, given: QueryValues = {}): string {
  const asked = query(given);
  return `${basePath}${paths.api}${path}${asked === "" ? "" : `?${asked}`}`;
}

function query(given: QueryValues): string {
  return new URLSearchParams(Object.entries(given).map(([name, value]) => [name, String(value)])).toString();
}
