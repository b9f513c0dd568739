/** What a device's state machine may report in `system_status.state`. Source: the EMS communication interface. */
export const deviceStates = ["IDLE", "CHARGING", "DISCHARGING", "FULL", "EMPTY", "ERROR"] as const;
export type DeviceState = (typeof deviceStates)[number];

/** What a device may report in `system_status.mode`. */
export const deviceModes = ["AUTO", "MANUAL"] as const;
export type DeviceMode = (typeof deviceModes)[number];

/** What `SET_MODE` may ask for in `payload.target_mode`. */
export const targetModes = ["AUTO", "MANUAL_CHARGE", "MANUAL_DISCHARGE", "MANUAL_IDLE"] as const;
export type TargetMode = (typeof targetModes)[number];
