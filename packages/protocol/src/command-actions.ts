import type { CommandAction } from "./command.ts";

export const commandActionNames = ["SET_MODE", "RESET_ERROR", "SET_PARAMETER", "RESTART"] as const;

interface ActionSpec {
  readonly meaning: string;
  /** What the device's own telemetry must show for the command to be `applied`. */
  readonly shownBy: string;
  /** How long the telemetry may take to show it, counted from the last frame or answer on a link that stays up, ms. */
  readonly shownWithinMs: number;
  /** Whether a second frame does no harm: such a command is sent again after a reconnect until the device answers or shows it. */
  readonly isRepeatable: boolean;
}

/** What a device can be told to do. */
export const commandActions: Readonly<Record<CommandAction, ActionSpec>> = {
  SET_MODE: {
    meaning: "Forces the device into a strategy or a manual override.",
    shownBy:
      "`system_status.mode`, and `system_status.target_mode` and `target_power` where the device sends them; else the battery's power within 5 % or 25 W of the target, or a state that leaves no room for it (FULL, EMPTY).",
    shownWithinMs: 30_000,
    isRepeatable: true,
  },
  RESET_ERROR: {
    meaning: "Clears the ERROR state after a manual inspection.",
    shownBy: "`system_status.state` is not ERROR, and `system_status.error_flags` is empty.",
    shownWithinMs: 30_000,
    isRepeatable: true,
  },
  SET_PARAMETER: {
    meaning: "Sets one of the parameters that the device has announced.",
    shownBy: "the parameter's point (`parameters.NAME` unless announced otherwise) has the value.",
    shownWithinMs: 30_000,
    isRepeatable: true,
  },
  RESTART: {
    meaning: "Starts the device anew.",
    shownBy: "`system_status.uptime` says that the device started after the command was sent.",
    shownWithinMs: 180_000,
    // A device that forgets what it was told would restart again and again.
    isRepeatable: false,
  },
};
