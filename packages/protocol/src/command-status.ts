interface StatusSpec {
  readonly meaning: string;
  /** What may follow; none: the command has ended. */
  readonly next: readonly CommandStatus[];
}

export type CommandStatus =
  | "queued"
  | "sent"
  | "accepted"
  | "applied"
  | "rejected"
  | "failed"
  | "expired"
  | "superseded"
  | "cancelled"
  | "unconfirmed";

/** The life of a command. Every step is stored before anybody is told of it. */
export const commandStatuses: Readonly<Record<CommandStatus, StatusSpec>> = {
  queued: {
    meaning: "Stored; it goes out as soon as the device is there, and until its time to live is over.",
    next: ["sent", "rejected", "expired", "superseded", "cancelled", "failed"],
  },
  sent: {
    meaning:
      "Handed to the device's link. Sent again after a reconnect, within the time to live, until the device answers or shows it.",
    next: ["sent", "accepted", "applied", "rejected", "failed", "superseded", "cancelled", "unconfirmed", "expired"],
  },
  accepted: {
    meaning: "The device said that it has it.",
    next: ["applied", "rejected", "failed", "superseded", "unconfirmed"],
  },
  applied: { meaning: "The device's own telemetry shows it.", next: [] },
  rejected: { meaning: "The device will not do it, or cannot: see the cause.", next: [] },
  failed: { meaning: "The device tried and failed, or was removed.", next: [] },
  expired: { meaning: "Its time to live was over before it was sent. The device never got it.", next: [] },
  superseded: { meaning: "A later order took its place.", next: [] },
  cancelled: {
    meaning:
      "Whoever gave it may not command the device any more: removed, or with fewer rights. The device never got it.",
    next: [],
  },
  unconfirmed: {
    meaning:
      "It was sent, but in the time for it the device's telemetry did not show it. It may or may not have taken effect.",
    next: [],
  },
};

/** Whether a command in this status can change no more. */
export function hasEnded(status: CommandStatus): boolean {
  return commandStatuses[status].next.length === 0;
}
