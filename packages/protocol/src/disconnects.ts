import type { RefusalCode } from "./refusals.ts";

/** The end of a link, as a value: the close code of RFC 6455 §7.4 and the reason sent with it. */
export interface Disconnect {
  readonly code: number;
  /** In its place for who speaks `wattboard.v1`, from the range that says when to come again; absent: the same. */
  readonly v1Code?: number;
  readonly reason: string;
  /** What a client does next; `later` waits 30–60 s. */
  readonly reconnect: "soon" | "later" | "never";
  readonly meaning: string;
  /** As what it counts and is shown where it ended a device's link for what the device sent. */
  readonly refusal?: RefusalCode;
}

export const disconnects = {
  goingAway: {
    code: 1001,
    reason: "going away",
    reconnect: "soon",
    meaning: "The client leaves, or the page is closed.",
  },
  protocolError: {
    code: 1002,
    reason: "",
    reconnect: "soon",
    meaning: "A frame broke the rules of RFC 6455: not masked, reserved bits, a bad length.",
    refusal: "protocol_error",
  },
  tooManyPieces: {
    code: 1008,
    reason: "",
    reconnect: "later",
    meaning: "A message came in more than 32 fragments, or trickled in in more than 1,024 pieces.",
    refusal: "too_many_pieces",
  },
  binary: {
    code: 1003,
    reason: "text frames only",
    reconnect: "soon",
    meaning: "A binary frame was received.",
    refusal: "binary_frame",
  },
  badUtf8: {
    code: 1007,
    reason: "",
    reconnect: "soon",
    meaning: "A text frame was not UTF-8.",
    refusal: "invalid_utf8",
  },
  replaced: {
    code: 1008,
    v1Code: 4300,
    reason: "replaced",
    reconnect: "later",
    meaning: "A newer connection of the same device took over. One device, one connection.",
  },
  revoked: {
    code: 1008,
    v1Code: 4301,
    reason: "revoked",
    reconnect: "later",
    meaning: "The device's token was revoked or rotated, or the device was removed.",
  },
  tokenRenewed: {
    code: 1012,
    v1Code: 4001,
    reason: "token renewed",
    reconnect: "soon",
    meaning: "The device has stored the token that it was sent: it comes again with that one.",
  },
  notLetIn: {
    code: 1008,
    reason: "not let in",
    reconnect: "later",
    meaning: "At `/update/`: the socket has not named a device that may come in, within ten seconds.",
  },
  rightsChanged: {
    code: 1008,
    v1Code: 4000,
    reason: "rights changed",
    reconnect: "soon",
    meaning:
      "The viewer signed out, a session, token or share link ended, or rights were changed. A new connection gets what is left of them.",
  },
  flooding: {
    code: 1008,
    v1Code: 4302,
    reason: "too many frames",
    reconnect: "later",
    meaning:
      "Far more frames than the door is for, pings included: a viewer that talks, a client that asks without end, a device that floods pings.",
    refusal: "too_many_frames",
  },
  tooBig: {
    code: 1009,
    reason: "",
    reconnect: "soon",
    meaning: "A message was larger than 16 KiB.",
    refusal: "frame_too_large",
  },
  restarting: {
    code: 1012,
    reason: "restarting",
    reconnect: "soon",
    meaning: "The server is stopping or restarting. What was acked is stored.",
  },
} as const satisfies Record<string, Disconnect>;

/** What a close code from 4000 on says of coming again, also one that a later version has added. `to` is the last of the range. */
export const closeCodeRanges = [
  { from: 4000, to: 4299, reconnect: "soon" },
  { from: 4300, to: 4599, reconnect: "later" },
  { from: 4600, to: 4999, reconnect: "never" },
] as const satisfies readonly {
  readonly from: number;
  readonly to: number;
  readonly reconnect: Disconnect["reconnect"];
}[];

/** When to come again after this close code; null where its range does not say. */
export function reconnectAfter(closeCode: number): Disconnect["reconnect"] | null {
  return closeCodeRanges.find(({ from, to }) => closeCode >= from && closeCode <= to)?.reconnect ?? null;
}

export type DisconnectName = keyof typeof disconnects;
