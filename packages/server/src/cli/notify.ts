import { setTimeout as sleep } from "node:timers/promises";
import type { NotificationBody } from "@wattboard/protocol";
import type { Command } from "commander";
import { addAdministrationOptions, type TargetOptions } from "./device.ts";
import { type NotifyClient, withNotify } from "./notify-client.ts";
import { CommandRefused, printJson, printLine, printTable } from "./report.ts";
import { wholeNumber } from "./whole-number.ts";

/** How long a test is waited for. */
const waitMsMax = 30_000;

export function addNotifyCommand(program: Command): void {
  const notify = program
    .command("notify")
    .description("See what people were told, and whether they can be; each sets up their own channels on the page.")
    .addHelpText("after", "\nExamples:\n  $ wattboard notify failing\n  $ wattboard notify test ann");

  addAdministrationOptions(notify.command("list"))
    .description("List what was told, the newest first, and what became of it.")
    .option("--person <name>", "only what this person was told")
    .option("--limit <count>", "how many (1 to 200)", wholeNumber(1, 200), 50)
    .addHelpText("after", "\nExamples:\n  $ wattboard notify list --person ann --limit 10")
    .action(async ({ person, limit, ...options }: TargetOptions & { person?: string; limit: number }) => {
      const found = await withNotify(options, (client) => client.notifications(person, limit));
      if (options.json) return printJson(found);
      if (found.length === 0) return printLine("Nobody was told anything yet.");
      printTable(
        ["AT", "PERSON", "CHANNEL", "STATUS", "TITLE", "CAUSE"],
        found.map((each) => [
          each.created_at,
          each.person,
          each.channel,
          each.held_because === null ? each.status : `${each.status} (${each.held_because})`,
          each.title,
          each.cause ?? "",
        ]),
      );
    });

  addAdministrationOptions(notify.command("channels <person>"))
    .description("List by what somebody is told.")
    .addHelpText("after", "\nExamples:\n  $ wattboard notify channels ann")
    .action(async (person: string, options: TargetOptions) => {
      const channels = await withNotify(options, (client) => client.channels(person));
      if (options.json) return printJson(channels);
      if (channels.length === 0) return printLine(`${person} has no channel; they set one up on their account's page.`);
      printTable(
        ["CHANNEL", "NAME", "KIND", "TO", "STATE", "CAUSE"],
        channels.map((each) => [each.channel_id, each.name, each.kind, each.to, each.state, each.cause ?? ""]),
      );
    });

  addAdministrationOptions(notify.command("test <person>"))
    .description(
      "Send somebody a test by each of their channels, and wait for what becomes of it. Exit code 1 where one fails.",
    )
    .option("--channel <id>", "only by this one (notify channels)")
    .addHelpText("after", "\nExamples:\n  $ wattboard notify test ann")
    .action(async (person: string, { channel, ...options }: TargetOptions & { channel?: string }) => {
      const sent = await withNotify(options, (client) => testChannels(client, person, channel));
      if (options.json) printJson(sent);
      else
        for (const each of sent)
          printLine(`${each.channel}: ${each.status}${each.cause === null ? "" : `, ${each.cause}`}`);
      if (sent.some(({ status }) => status !== "delivered" && status !== "seen")) process.exitCode = 1;
    });

  addAdministrationOptions(notify.command("failing"))
    .description("List the channels by which somebody cannot be told, and why.")
    .addHelpText("after", "\nExamples:\n  $ wattboard notify failing --json")
    .action(async (options: TargetOptions) => {
      const failing = await withNotify(options, (client) => client.failing());
      if (options.json) return printJson(failing);
      if (failing.length === 0) return printLine("No channel fails.");
      printTable(
        ["PERSON", "CHANNEL", "KIND", "SINCE", "WAITING", "CAUSE"],
        failing.map((each) => [
          each.person,
          each.name,
          each.kind,
          each.failing_since ?? "",
          String(each.waiting),
          each.cause ?? "",
        ]),
      );
    });
}

async function testChannels(
  client: NotifyClient,
  person: string,
  only: string | undefined,
): Promise<NotificationBody[]> {
  const channels = (await client.channels(person)).filter(
    ({ channel_id }) => only === undefined || channel_id === only,
  );
  if (channels.length === 0) {
    throw new CommandRefused({
      code: "not_found",
      message: `${person} has no such channel: wattboard notify channels ${person}`,
    });
  }
  const sent: string[] = [];
  for (const { channel_id } of channels) sent.push((await client.test(person, channel_id)).notification_id);
  for (const endMs = Date.now() + waitMsMax; ; await sleep(300)) {
    const newest = await client.notifications(person, 200);
    const found = newest.filter(({ notification_id }) => sent.includes(notification_id));
    const isOpen = found.some(({ status, tries }) => status === "sent" || (status === "queued" && tries === 0));
    if (!isOpen || Date.now() > endMs) return found;
  }
}
