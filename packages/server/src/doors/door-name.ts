/** The kinds of WebSocket addresses. */
export const doorNames = ["device", "dashboard", "fleet", "update", "client"] as const;
export type DoorName = (typeof doorNames)[number];
