import type { Capabilities, Command, Deadline } from "@wattboard/protocol";
import { textFrame } from "../link/frame.ts";
import type { CommandRecord } from "./command-record.ts";

/** A device's link, as commands see it. */
export interface Channel {
  /** False once a newer link has taken over, or this one ends. */
  readonly isOpen: boolean;
  /** Whether the device speaks `wattboard.v1`: then it says hello first. */
  readonly saysHello: boolean;
  /** What a device is assumed to support if it says no hello in time; absent: what it reported last. */
  readonly defaultCapabilities?: Capabilities;
  /** `frame` has its WebSocket header already. */
  send(frame: Uint8Array): void;
  /** Calls back once at the device's next sign of life, and asks for one if it is silent; a later call takes the place of an earlier one. */
  whenHeard(callback: () => void): void;
  /** A command's frames, with their headers, if the device speaks another dialect. */
  encode?(command: Command, expiresAt: string): Buffer;
}

/** The command's frame, exactly as the contract has it; who speaks the subprotocol is told before until when it may be started. */
export function framesOf(
  { commandId: command_id, action, payload, expiresAtMs }: CommandRecord,
  { saysHello, encode }: Channel,
): Buffer {
  const expires_at = new Date(expiresAtMs).toISOString();
  if (encode !== undefined) return encode({ command_id, action, payload } as Command, expires_at);
  const command = textFrame(Buffer.from(JSON.stringify({ command_id, action, payload })));
  if (!saysHello) return command;
  const deadline: Deadline = { type: "deadline", command_id, expires_at };
  return Buffer.concat([textFrame(Buffer.from(JSON.stringify(deadline))), command]);
}
