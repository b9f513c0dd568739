/** What everybody may at each route of the API, at each other address and at each door: the table of `rights-matrix.test.ts`. */

export type Right =
  /** Anybody. */
  | "open"
  /** Whoever is known; where dashboards are public everybody is. */
  | "known"
  /** Whoever is known by a name of their own. */
  | "named"
  /** Whoever sees the device; for all others it does not exist. */
  | "view"
  /** The same; who does not see it is told that there is no such thing: a command, an alarm. */
  | "view command"
  /** Whoever sees all devices. */
  | "view all"
  /** Whoever commands the device; who only sees it is told that they may not. */
  | "share"
  | "command"
  /** The same, of what is about the device under another name. */
  | "take on"
  | "operator"
  /** A fleet command of the administrator: who sees all devices; for the others it does not exist. */
  | "see fleet command"
  | "end fleet command"
  /** Somebody who is signed in. */
  | "person"
  /** The same; the channel or the message that is asked for is none of theirs. */
  | "own channel"
  /** Who commands; the window that is asked for is none of theirs. */
  | "window"
  | "admin";

interface Row {
  readonly right: Right;
  /** What is put behind the path; `ID` is the device. */
  readonly query?: string;
  /** What is sent; by default nothing that fits. */
  readonly body?: object;
}

const row = (right: Right, query?: string): Row => ({ right, ...(query !== undefined && { query }) });
const password = { present: "not the one", password: "a long enough one" };

export const table: Readonly<Record<string, Row>> = {
  "GET /points": row("open"),
  "GET /devices": row("known"),
  "POST /devices": row("admin"),
  "GET /devices/{id}": row("view"),
  "PATCH /devices/{id}": row("admin"),
  "DELETE /devices/{id}": row("admin"),
  "POST /devices/{id}/rotate": row("admin"),
  "POST /bulk/devices": row("admin"),
  "POST /bulk/rotations": row("admin"),
  "GET /token-rotations": row("admin"),
  "POST /claim-codes": row("admin"),
  "POST /claim-labels": row("admin"),
  "POST /claims/inspect": row("open"),
  "POST /claims": row("open"),
  "GET /devices/{id}/claim": row("share"),
  "DELETE /devices/{id}/claim": row("share"),
  "POST /devices/{id}/revoke": row("admin"),
  "GET /devices/{id}/latest": row("view"),
  "GET /devices/{id}/points": row("view"),
  "GET /devices/{id}/samples": row("view"),
  "GET /devices/{id}/history": row("view", "points=grid.power"),
  "GET /devices/{id}/timeline": row("view"),
  "GET /devices/{id}/strikes": row("view"),
  "POST /devices/{id}/strikes": {
    right: "admin",
    body: { from: "2026-01-31T12:00:00Z", to: "2026-01-31T12:01:00Z", points: ["none"] },
  },
  "DELETE /devices/{id}/strikes/{strike}": row("admin"),
  "GET /devices/{id}/energy": row("view"),
  "GET /fleet/totals": row("view", "devices=ID"),
  "GET /fleet/energy": row("view", "devices=ID"),
  "GET /events": row("known", "device_id=ID"),
  "GET /devices/{id}/commands": row("view"),
  "POST /devices/{id}/commands": row("command"),
  "GET /devices/{id}/commands/{command}": row("view command"),
  "GET /fleet-commands": row("known"),
  "POST /fleet-commands": row("operator"),
  "GET /fleet-commands/{fleet}": row("see fleet command"),
  "GET /fleet-commands/{fleet}/devices": row("see fleet command"),
  "POST /fleet-commands/{fleet}/abort": row("end fleet command"),
  "GET /me/channels": row("person"),
  "POST /me/channels": {
    right: "person",
    body: { kind: "webhook", url: "https://example.org/hook", preset: "home_assistant" },
  },
  "PATCH /me/channels/{channel}": { right: "own channel", body: { is_on: true } },
  "DELETE /me/channels/{channel}": row("own channel"),
  "POST /me/channels/{channel}/test": row("own channel"),
  "POST /me/channels/{channel}/verification": row("own channel"),
  "POST /me/channels/{channel}/verify": { right: "own channel", body: { code: "x" } },
  "POST /me/channels/{channel}/rotate-secret": row("own channel"),
  "GET /me/notification-preferences": row("person"),
  "PATCH /me/notification-preferences": { right: "person", body: { quiet_hours: null } },
  "GET /me/notifications": row("person"),
  "POST /me/notifications/{message}/seen": row("own channel"),
  "GET /notifications": row("admin"),
  "GET /notifications/failing": row("admin"),
  "GET /people/{name}/notifications": row("admin"),
  "GET /people/{name}/channels": row("admin"),
  "POST /people/{name}/channels/{channel}/test": row("admin"),
  "GET /escalation": row("admin"),
  "PUT /escalation": row("admin"),
  "GET /maintenance-windows": row("known"),
  "POST /maintenance-windows": row("operator"),
  "POST /maintenance-windows/{window}/end": row("window"),
  "GET /alarms": row("known", "device_id=ID"),
  "GET /alarms/{alarm}": row("view command"),
  "GET /alarms/{alarm}/devices": row("view command"),
  "POST /alarms/{alarm}/acknowledge": row("take on"),
  "POST /alarms/{alarm}/snooze": { right: "take on", body: { until: new Date(Date.now() + 3_600_000).toISOString() } },
  "GET /alarm-rules": row("known"),
  "POST /alarm-rules": row("admin"),
  "POST /alarm-rules/try": row("admin"),
  "PATCH /alarm-rules/{rule}": row("admin"),
  "DELETE /alarm-rules/{rule}": row("admin"),
  "GET /first-steps": row("open"),
  "GET /devices/{id}/lines": row("admin"),
  "GET /server": row("admin"),
  "GET /me": row("known"),
  "POST /me/password": { right: "person", body: password },
  "POST /session": row("open"),
  "POST /one-time-links/inspect": row("open"),
  "POST /one-time-links/redeem": row("open"),
  "GET /people": row("admin"),
  "POST /people": row("admin"),
  "PATCH /people/{name}": row("admin"),
  "DELETE /people/{name}": row("admin"),
  "GET /people/{name}/outstanding": row("admin"),
  "POST /people/{name}/link": row("admin"),
  "PUT /people/{name}/password": row("admin"),
  "POST /setup-link": row("admin"),
  "GET /share-links": row("operator"),
  "GET /devices/{id}/share-links": row("share"),
  "POST /devices/{id}/share-links": row("share"),
  "DELETE /devices/{id}/share-links/{share}": row("share"),
  "POST /tickets": row("named"),
  "POST /share-session": row("open"),
  "GET /audit": row("admin"),
  "GET /audit/export": row("admin"),
  "GET /audit/verify": row("admin"),
  "GET /api-tokens": row("admin"),
  "POST /api-tokens": row("admin"),
  "DELETE /api-tokens/{name}": row("admin"),
  "GET /smart-os/waiting": row("admin"),
  "POST /smart-os/waiting/{id}/accept": row("admin"),
  "DELETE /smart-os/waiting/{id}": row("admin"),
  "GET /export": row("view", "device=ID"),
  "GET /exports": row("known"),
  "POST /import": row("admin"),
  "POST /import/csv": row("admin"),
  "GET /store": row("view all"),
  "GET /store/renewal": row("known"),
  "GET /store/verify": row("admin"),
  "POST /store/repair": row("admin"),
  "GET /backups": row("admin"),
  "POST /backups": row("admin"),
  "POST /backups/{id}/verify": row("admin"),
  "GET /backups/{id}/tar": row("admin"),
  "GET /backups/{id}/{name}": row("admin"),
  "DELETE /backups/{id}": row("admin"),
  // The last one: it signs those out who are signed in.
  "DELETE /session": row("open"),
};

/** What is not in the document. */
export const others: Readonly<Record<string, Right>> = {
  "/livez": "open",
  "/readyz": "open",
  "/metrics": "view all",
  "/api/v1/asyncapi.json": "open",
  "/api/v1/openapi.json": "open",
  "/api/v1/docs": "open",
};

/** WebSocket addresses; devices have a right of their own, their token's. */
export const doors: Readonly<Record<string, Right | "own token">> = {
  "/ws/dashboard/ID": "view",
  "/ws/fleet": "known",
  "/client/": "known",
  "/ws/device/ID": "own token",
};
