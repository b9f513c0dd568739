import { paths } from "@wattboard/protocol";

/** Under which path the server is: `/energy`, or nothing. It has written that into `index.html`; in development it stands there as `./`. */
export const basePath = (document.documentElement.dataset.base ?? "").replace(/^\.|\/$/g, "");

/** The server's address, behind which the paths of links come. */
export const serverUrl = location.origin + basePath;

/** Where the pages are, for the router, which puts the base path before them. Ids and names come from outside, so they are encoded here and nowhere else. */
export const pagePaths = {
  fleet: "/",
  /** `at`: an instant that its history opens at. */
  device: (deviceId: string, at?: string) =>
    `/devices/${encodeURIComponent(deviceId)}${at === undefined ? "" : `?${query({ at })}`}`,
  alarms: (filter: QueryValues = {}) => withQuery("/alarms", filter),
  alarm: (alarmId: string) => `/alarms/${encodeURIComponent(alarmId)}`,
  alarmRules: "/alarm-rules",
  newAlarmRule: "/alarm-rules/new",
  alarmRule: (ruleId: string) => `/alarm-rules/${encodeURIComponent(ruleId)}`,
  events: (filter: QueryValues = {}) => withQuery("/events", filter),
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
  devices: "/devices",
  deviceSettings: (deviceId: string) => `/devices/${encodeURIComponent(deviceId)}/settings`,
  addDevice: "/add-device",
  addDevices: "/add-devices",
  apiTokens: "/api-tokens",
  backups: "/backups",
  exports: "/exports",
  server: "/server",
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
  inspectClaim: api("/claims/inspect"),
  claims: api("/claims"),
  claim: (deviceId: string) => deviceApi(deviceId, "/claim"),
  claimLabels: api("/claim-labels"),
  firstSteps: api("/first-steps"),
  devices: api("/devices"),
  bulkDevices: api("/bulk/devices"),
  rotations: api("/token-rotations"),
  device: (deviceId: string) => deviceApi(deviceId),
  deviceList: (given: QueryValues) => api("/devices", given),
  deviceLines: (deviceId: string) => deviceApi(deviceId, "/lines"),
  rotate: (deviceId: string) => deviceApi(deviceId, "/rotate"),
  revoke: (deviceId: string) => deviceApi(deviceId, "/revoke"),
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
  alarms: (given: QueryValues = {}) => api("/alarms", given),
  alarm: (alarmId: string) => alarmApi(alarmId),
  alarmDevices: (alarmId: string, given: QueryValues) => alarmApi(alarmId, "/devices", given),
  acknowledgeAlarm: (alarmId: string) => alarmApi(alarmId, "/acknowledge"),
  snoozeAlarm: (alarmId: string) => alarmApi(alarmId, "/snooze"),
  alarmRules: api("/alarm-rules"),
  alarmRule: (ruleId: string) => api(`/alarm-rules/${encodeURIComponent(ruleId)}`),
  tryAlarmRule: api("/alarm-rules/try"),
  people: api("/people"),
  person: (name: string) => api(`/people/${encodeURIComponent(name)}`),
  personOutstanding: (name: string) => api(`/people/${encodeURIComponent(name)}/outstanding`),
  personLink: (name: string) => api(`/people/${encodeURIComponent(name)}/link`),
  audit: (given: QueryValues) => api("/audit", given),
  auditExport: (given: QueryValues) => api("/audit/export", { format: "csv", ...given }),
  verifyAudit: api("/audit/verify"),
  apiTokens: api("/api-tokens"),
  apiToken: (name: string) => api(`/api-tokens/${encodeURIComponent(name)}`),
  backups: api("/backups"),
  backup: (backupId: string) => api(`/backups/${encodeURIComponent(backupId)}`),
  verifyBackup: (backupId: string) => api(`/backups/${encodeURIComponent(backupId)}/verify`),
  backupTar: (backupId: string) => api(`/backups/${encodeURIComponent(backupId)}/tar`),
  export: (given: QueryValues) => api("/export", given),
  exports: api("/exports"),
  server: api("/server"),
  store: api("/store"),
  verifyStore: api("/store/verify"),
  repairStore: api("/store/repair"),
  channels: api("/me/channels"),
  channel: (channelId: string) => channelApi(channelId),
  testChannel: (channelId: string) => channelApi(channelId, "/test"),
  verifyChannel: (channelId: string) => channelApi(channelId, "/verify"),
  resendChannelCode: (channelId: string) => channelApi(channelId, "/verification"),
  rotateChannelSecret: (channelId: string) => channelApi(channelId, "/rotate-secret"),
  notificationPreferences: api("/me/notification-preferences"),
  notifications: (given: QueryValues = {}) => api("/me/notifications", given),
  failingChannels: api("/notifications/failing"),
  escalation: api("/escalation"),
  maintenanceWindows: (given: QueryValues = {}) => api("/maintenance-windows", given),
  endMaintenance: (windowId: string) => api(`/maintenance-windows/${encodeURIComponent(windowId)}/end`),
  waiting: api("/smart-os/waiting"),
  acceptWaiting: (deviceId: string) => api(`/smart-os/waiting/${encodeURIComponent(deviceId)}/accept`),
  refuseWaiting: (deviceId: string) => api(`/smart-os/waiting/${encodeURIComponent(deviceId)}`),
} as const;

type QueryValues = Readonly<Record<string, string | number>>;

function deviceApi(deviceId: string, rest = "", given: QueryValues = {}): string {
  return api(`/devices/${encodeURIComponent(deviceId)}${rest}`, given);
}

function alarmApi(alarmId: string, rest = "", given: QueryValues = {}): string {
  return api(`/alarms/${encodeURIComponent(alarmId)}${rest}`, given);
}

function channelApi(channelId: string, rest = ""): string {
  return api(`/me/channels/${encodeURIComponent(channelId)}${rest}`);
}

function api(path: string, given: QueryValues = {}): string {
  return basePath + paths.api + withQuery(path, given);
}

function withQuery(path: string, given: QueryValues): string {
  const asked = query(given);
  return asked === "" ? path : `${path}?${asked}`;
}

function query(given: QueryValues): string {
  return new URLSearchParams(Object.entries(given).map(([name, value]) => [name, String(value)])).toString();
}
