import { isRefusal, limits, parseConditions, type Refusal, refuse } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import type { Requester } from "../base/requester.ts";
import { isTimeZone } from "../base/time-zone.ts";
import { describeAddressFault } from "./address-fault.ts";
import type { NotifyJournal } from "./notify-journal.ts";
import {
  type ChannelAddress,
  type ChannelFault,
  type ChannelScope,
  type NotifyChannel,
  type PersistedNotify,
  type Preferences,
  personKey,
  type ToldSubject,
} from "./records.ts";
import { newSigningSecret } from "./transports/standard-webhook.ts";
import { codeFits, type IssuedCode, issueCode } from "./verification.ts";

export const defaultScope: ChannelScope = {
  isOn: true,
  severities: ["warning", "critical"],
  where: [],
  withServer: true,
  digestMinutes: 0,
};

/** For so long messages are signed with both secrets after a rotation, so that the receiver can be changed meanwhile. */
const secretOverlapMs = 24 * 3_600_000;

/** By what each person is told, and when. In memory, written through by the journal. */
export class Channels {
  readonly #clock: Clock;
  readonly #newId: NewId;
  readonly #journal: NotifyJournal;
  readonly #channels = new Map<string, NotifyChannel>();
  readonly #byPerson = new Map<string, Set<string>>();
  readonly #preferences = new Map<string, Preferences>();

  constructor(clock: Clock, newId: NewId, journal: NotifyJournal) {
    this.#clock = clock;
    this.#newId = newId;
    this.#journal = journal;
  }

  restore({ channels, preferences }: Pick<PersistedNotify, "channels" | "preferences">): void {
    for (const channel of channels) this.#set(channel);
    for (const each of preferences) this.#preferences.set(personKey(each.person), each);
  }

  find(channelId: string): NotifyChannel | undefined {
    return this.#channels.get(channelId);
  }

  all(): Iterable<NotifyChannel> {
    return this.#channels.values();
  }

  /** Everybody who has a channel or preferences. */
  people(): Iterable<Requester> {
    const channels = [...this.#channels.values()];
    const all = [...channels, ...this.#preferences.values()];
    return new Map(all.map(({ person }) => [personKey(person), person])).values();
  }

  /** The first made first. */
  of(person: Requester): NotifyChannel[] {
    const found = [...(this.#byPerson.get(personKey(person)) ?? [])].flatMap((id) => this.#channels.get(id) ?? []);
    return found.sort((one, other) => one.createdAtMs - other.createdAtMs);
  }

  preferencesOf(person: Requester): Preferences {
    const none = { person, timeZone: null, quietHours: null, offeredEmail: null };
    return this.#preferences.get(personKey(person)) ?? none;
  }

  changePreferences(person: Requester, change: Partial<Omit<Preferences, "person">>): Preferences | Refusal {
    if (change.timeZone != null && !isTimeZone(change.timeZone)) {
      return refuse("invalid_request", "time_zone must be the IANA name of a time zone, such as Europe/Vienna.");
    }
    const changed = { ...this.preferencesOf(person), ...change };
    this.#preferences.set(personKey(person), changed);
    this.#journal.save({ table: "preferences", id: personKey(person), record: changed });
    return changed;
  }

  /** A new channel; an e-mail address has yet to be confirmed. */
  add(
    person: Requester,
    { name, address, scope = {} }: { name: string; address: ChannelAddress; scope?: Partial<ChannelScope> },
  ): NotifyChannel | Refusal {
    const fault = describeAddressFault(address) ?? describeScopeFault(scope);
    if (fault !== null) return refuse("invalid_request", fault);
    const others = this.of(person);
    // A browser that subscribes anew has another endpoint; the same one is the same channel.
    const same = others.find((other) => isSameAddress(other.address, address));
    if (same !== undefined) return refuse("channel_exists", `It is called ${JSON.stringify(same.name)}.`);
    if (others.length >= limits.channelsPerPerson) {
      return refuse("invalid_request", `There are ${limits.channelsPerPerson} channels already; remove one first.`);
    }
    const isSigned = address.kind === "webhook" && address.preset === "standard";
    return this.#put({
      channelId: `chn_${this.#newId(8)}`,
      person,
      name,
      address: isSigned ? { ...address, secret: newSigningSecret(this.#newId) } : address,
      scope: { ...defaultScope, ...scope },
      isVerified: address.kind !== "email",
      verification: null,
      fault: null,
      createdAtMs: this.#clock.wallMs(),
    });
  }

  change(
    channel: NotifyChannel,
    { name = channel.name, scope = {} }: { name?: string; scope?: Partial<ChannelScope> },
  ) {
    const fault = describeScopeFault(scope);
    if (fault !== null) return refuse("invalid_request", fault);
    return this.#put({ ...channel, name, scope: { ...channel.scope, ...scope } });
  }

  remove({ channelId, person }: NotifyChannel): void {
    this.#channels.delete(channelId);
    const own = this.#byPerson.get(personKey(person));
    own?.delete(channelId);
    if (own?.size === 0) this.#byPerson.delete(personKey(person));
    this.#journal.save({ table: "channel", id: channelId, record: null });
  }

  /** All of somebody who is gone. */
  forget(person: Requester): void {
    for (const channel of this.of(person)) this.remove(channel);
    if (this.#preferences.delete(personKey(person))) {
      this.#journal.save({ table: "preferences", id: personKey(person), record: null });
    }
  }

  /** The code that confirms the address; an earlier one is void. */
  startVerification(channel: NotifyChannel): IssuedCode {
    const issued = issueCode(this.#newId, this.#clock.wallMs());
    this.#put({ ...channel, verification: issued.verification });
    return issued;
  }

  verify(channel: NotifyChannel, code: string): NotifyChannel | Refusal {
    const { verification } = channel;
    if (channel.isVerified) return channel;
    if (verification === null || verification.expiresAtMs <= this.#clock.wallMs() || verification.triesLeft <= 0) {
      return refuse("link_not_valid", "Have another message sent, and use the code in it.");
    }
    if (codeFits(code, verification)) return this.#put({ ...channel, isVerified: true, verification: null });
    this.#put({ ...channel, verification: { ...verification, triesLeft: verification.triesLeft - 1 } });
    return refuse("invalid_request", "That is not the code of the newest message.");
  }

  /** A new secret; for a day messages are signed with the old one as well. */
  rotateSecret(channel: NotifyChannel): NotifyChannel | Refusal {
    const { address } = channel;
    if (address.kind !== "webhook" || address.secret === null) {
      return refuse("invalid_request", "Only standard webhooks have a secret of their own.");
    }
    const oldSecretUntilMs = this.#clock.wallMs() + secretOverlapMs;
    return this.#put({
      ...channel,
      address: { ...address, secret: newSigningSecret(this.#newId), oldSecret: address.secret, oldSecretUntilMs },
    });
  }

  setFault(channelId: string, fault: ChannelFault | null): void {
    const channel = this.#channels.get(channelId);
    if (channel !== undefined && channel.fault !== fault) this.#put({ ...channel, fault });
  }

  #put(channel: NotifyChannel): NotifyChannel {
    this.#set(channel);
    this.#journal.save({ table: "channel", id: channel.channelId, record: channel });
    return channel;
  }

  #set(channel: NotifyChannel): void {
    const key = personKey(channel.person);
    this.#channels.set(channel.channelId, channel);
    const own = this.#byPerson.get(key) ?? new Set();
    this.#byPerson.set(key, own.add(channel.channelId));
  }
}

/** Whether anything but tests is sent there. */
export function isUsable({ isVerified, scope, fault }: NotifyChannel): boolean {
  return isVerified && scope.isOn && fault?.isGone !== true;
}

/** Who sets a channel up is not told of all that holds at that time. */
export function wants(channel: NotifyChannel, { begins, toldAtMs }: ToldSubject): boolean {
  return isUsable(channel) && channel.scope.severities.includes(begins.severity) && channel.createdAtMs <= toldAtMs;
}

/** So many failures in a row, and others are told that a channel fails. */
const failingAfter = 3;

/** Whether it fails for so long, or so badly, that somebody should look at it. */
export function isFailing(fault: ChannelFault | null): boolean {
  return fault !== null && (fault.isGone || fault.hasLost || fault.tries >= failingAfter);
}

function describeScopeFault({ where = [] }: Partial<ChannelScope>): string | null {
  const conditions = parseConditions(where);
  return isRefusal(conditions) ? conditions.message : null;
}

function isSameAddress(one: ChannelAddress, other: ChannelAddress): boolean {
  if (one.kind === "email") return other.kind === "email" && one.address === other.address;
  if (one.kind === "push") return other.kind === "push" && one.endpoint === other.endpoint;
  if (other.kind !== "webhook" || one.url !== other.url) return false;
  return one.topic === other.topic && one.chatId === other.chatId;
}
