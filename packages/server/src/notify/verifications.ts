import { isRefusal, type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import type { Requester } from "../base/requester.ts";
import type { Channels } from "./channels.ts";
import type { Deliveries } from "./deliveries.ts";
import { HourLimit } from "./hour-limit.ts";
import type { Notifier } from "./notifier.ts";
import type { NotifyChannel } from "./records.ts";

/** Messages that ask one address for its confirmation, whoever has them sent. */
const perAddressAndHour = 3;
const lookMs = 60_000;

interface Account {
  readonly person: Requester;
  readonly email: string;
}

interface VerificationParts {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly channels: Channels;
  readonly notifier: Pick<Notifier, "takeOne">;
  readonly deliveries: Pick<Deliveries, "deliver">;
  readonly canMail: boolean;
  linkBase(): string | null;
  /** Accounts that somebody has signed in to, and that have an address. */
  accounts(): Iterable<Account>;
}

/**
 * Sends the codes by which people confirm that an address is theirs: until then nothing else goes there, so that nobody has mail sent to strangers.
 * The address of an account gets a channel by itself, once.
 */
export class Verifications {
  readonly #parts: VerificationParts;
  readonly #limit = new HourLimit(perAddressAndHour);
  #isLooking = false;
  #stop = (): void => {};

  constructor(parts: VerificationParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stop = this.#parts.clock.every(lookMs, () => void this.offer());
    void this.offer();
  }

  stop(): void {
    this.#stop();
  }

  /** Resolves once it has been handed over, or has failed, which the channel then says. */
  async send(channel: NotifyChannel): Promise<Refusal | null> {
    const { clock, channels, notifier, deliveries, newId, linkBase } = this.#parts;
    if (channel.address.kind !== "email") return refuse("invalid_request", "Only e-mail addresses are confirmed.");
    const { address } = channel.address;
    const nowMs = clock.wallMs();
    if (this.#limit.freeAtMs(address, nowMs) > nowMs || !notifier.takeOne(channel.person)) {
      return refuse("too_many_notifications", "Look into the mailbox, or try again in an hour.");
    }
    this.#limit.note(address, nowMs);
    const { code } = channels.startVerification(channel);
    const base = linkBase();
    const path = `/account/notifications#confirm=${channel.channelId}.${code}`;
    const delivery = await deliveries.deliver(channel, {
      messageId: `msg_${newId(16)}`,
      severity: "info",
      type: "verification",
      about: null,
      title: "Confirm that Wattboard may write to you",
      text: `Somebody with an account of Wattboard (${channel.person.name}) wants to be told of alarms at this address.\nIf that is you, sign in and use this code within a day: ${code}\nIf it is not, do nothing: no other message will come.`,
      url: base === null ? null : base + path,
      atMs: nowMs,
      ttlS: 86_400,
    });
    channels.setFault(
      channel.channelId,
      delivery.kind === "delivered"
        ? null
        : { sinceMs: nowMs, cause: delivery.cause, tries: 1, retryAtMs: 0, hasLost: false, isGone: false },
    );
    return null;
  }

  /** Makes channels of the addresses of accounts that have not been offered one. */
  async offer(): Promise<void> {
    const { channels, canMail, accounts } = this.#parts;
    if (!canMail || this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (const { person, email } of [...accounts()]) {
        if (channels.preferencesOf(person).offeredEmail === email) continue;
        channels.changePreferences(person, { offeredEmail: email });
        const made = channels.add(person, { name: "E-mail", address: { kind: "email", address: email } });
        // There is one for this address already, or there are too many.
        if (!isRefusal(made)) await this.send(made);
      }
    } finally {
      this.#isLooking = false;
    }
  }
}
