import type { ChannelKind } from "@wattboard/protocol";
import { AddressList } from "../access/address-list.ts";
import type { Person } from "../access/people.ts";
import type { Requester } from "../base/requester.ts";
import { zoneNamed } from "../base/time-zone.ts";
import { Channels } from "../notify/channels.ts";
import { compose } from "../notify/compose.ts";
import { Deliveries } from "../notify/deliveries.ts";
import { MaintenanceWindows } from "../notify/maintenance-windows.ts";
import type { MessageTransport } from "../notify/message.ts";
import { Notifier } from "../notify/notifier.ts";
import { NotifyJournal } from "../notify/notify-journal.ts";
import { logNotifications } from "../notify/notify-log.ts";
import { NotifyStoreClient } from "../notify/notify-store-client.ts";
import { GuardedClient } from "../notify/transports/guarded-client.ts";
import { MailTransport } from "../notify/transports/mail-transport.ts";
import { PushTransport } from "../notify/transports/push-transport.ts";
import { newVapidKeys, type VapidKeys } from "../notify/transports/vapid.ts";
import { WebhookTransport } from "../notify/transports/webhook-transport.ts";
import { Verifications } from "../notify/verifications.ts";
import { checkChannels, tellAlarms, tellWhatIsOpen } from "./alarm-notices.ts";
import type { TelemetryParts } from "./assemble-telemetry.ts";
import type { Defer } from "./closing.ts";

export type NotifyParts = Awaited<ReturnType<typeof assembleNotify>>;

const hourMs = 3_600_000;

/** Who is told of what, and by what; nothing is sent before the server listens (`notifications.start`). */
export async function assembleNotify(defer: Defer, parts: TelemetryParts) {
  const { config, clock, newId, log, events, devices, people, requesters, fleetRows } = parts;
  const { smtp_url, per_hour } = config.notify;
  const notifyStore = await NotifyStoreClient.open(config.data_dir, clock);
  defer("notify.db", () => notifyStore.close());
  const { watch, journalObserver, failed } = logNotifications(log, events);
  const journal = new NotifyJournal(notifyStore, clock, journalObserver);
  defer("the journal of notifications", async () => {
    journal.stop();
    if (!(await journal.settle())) log.error("the last steps of some notifications were not stored");
  });
  const persisted = await notifyStore.load(clock.wallMs() - hourMs);
  const channels = new Channels(clock, newId, journal);
  channels.restore(persisted);
  const windows = new MaintenanceWindows(clock, newId, journal, fleetRows, (requester, deviceId) =>
    requesters.mayCommand(requester, deviceId),
  );
  windows.restore(persisted.windows);
  const stored = persisted.settings.vapid as VapidKeys | undefined;
  const pushKeys = stored ?? newVapidKeys();
  // Browsers subscribe with them: others would void every subscription.
  if (stored === undefined) journal.save({ table: "setting", id: "vapid", record: pushKeys });

  let linkBase: string | null = null;
  const deliveries = new Deliveries(
    clock,
    transportsOf(parts, pushKeys, () => linkBase),
    failed,
  );
  const zone = zoneNamed(config.site.time_zone);
  const nameOf = (deviceId: string): string => devices.find(deviceId)?.name || deviceId;
  const notifier = new Notifier({
    clock,
    newId,
    journal,
    channels,
    windows,
    rights: requesters,
    fleet: fleetRows,
    watch: {
      ...watch,
      escalated: (person, { about }) => parts.alarms.book.noteEscalated(about, `${person} was told.`, clock.wallMs()),
    },
    timeZone: zone,
    perHour: per_hour,
    person: (name) => accountOf(people.find(name)),
    nameOf,
    deliver(channel, messageId, told) {
      const timeZone = channels.preferencesOf(channel.person).timeZone ?? zone;
      const message = compose(messageId, told, { timeZone, nowMs: clock.wallMs(), linkBase, nameOf });
      return deliveries.deliver(channel, message);
    },
  });
  notifier.restore(persisted);
  const verifications = new Verifications({
    clock,
    newId,
    channels,
    notifier,
    deliveries,
    canMail: smtp_url !== "",
    linkBase: () => linkBase,
    accounts: () => accountsOf(people.list()),
  });
  parts.alarms.watch(tellAlarms(notifier));
  parts.alarms.addCheck(checkChannels(channels));
  defer("notifications", () => {
    verifications.stop();
    notifier.stop();
    deliveries.stop();
  });
  const notifications = {
    channels,
    windows,
    notifier,
    verifications,
    journal,
    store: notifyStore,
    canMail: smtp_url !== "",
    pushPublicKey: pushKeys.publicKey,
    /** `publicUrl`: what links in messages begin with. */
    start(publicUrl: string): void {
      linkBase = publicUrl;
      notifier.start();
      tellWhatIsOpen(parts.alarms, notifier, clock.wallMs());
      verifications.start();
    },
  };
  return { ...parts, notifyStore, notifications };
}

function transportsOf(
  { config, clock, newId }: TelemetryParts,
  keys: VapidKeys,
  linkBase: () => string | null,
): Record<ChannelKind, MessageTransport> {
  const { smtp_url, mail_from, private_networks } = config.notify;
  const client = new GuardedClient(new AddressList("notify.private_networks", private_networks));
  return {
    email: new MailTransport({ smtpUrl: smtp_url, from: mail_from }),
    push: new PushTransport(client, clock, newId, { keys, contact: () => contactOf(mail_from, linkBase()) }),
    webhook: new WebhookTransport(client, clock),
  };
}

/** Accounts that somebody has signed in to, and that have an address. */
function* accountsOf(people: readonly Person[]) {
  for (const person of people) {
    const requester = accountOf(person);
    if (person.email === null || person.passwordHash === null || requester === undefined) continue;
    yield { person: requester, email: person.email };
  }
}

function accountOf(person: Person | undefined): Requester | undefined {
  return person === undefined ? undefined : { kind: "person", name: person.name, sinceMs: person.createdAtMs };
}

/** Push services take `mailto:` or `https:` (RFC 8292 §2.1). */
function contactOf(mailFrom: string, linkBase: string | null): string {
  if (linkBase?.startsWith("https:")) return linkBase;
  return `mailto:${/<([^<>]+)>/.exec(mailFrom)?.[1] ?? mailFrom}`;
}
