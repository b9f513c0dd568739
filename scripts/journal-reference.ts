import { limits, paths, subprotocol } from "@wattboard/protocol";
import { settings } from "wattboard";
import { code, table } from "./markdown.ts";

interface Transition {
  readonly from: string;
  readonly event: string;
  readonly action: string;
  readonly to: string;
}

/** A device's link, as to its journal. */
const linkTransitions: readonly Transition[] = [
  {
    from: "Away",
    event: "a sample is measured",
    action: "write it to the journal, under the next `seq`",
    to: "Away",
  },
  {
    from: "Away",
    event: "a link opens",
    action: "send `hello` with the journal's `id`, `first_seq`, `last_seq`, before anything else",
    to: "Greeting",
  },
  {
    from: "Greeting",
    event: "a sample is measured",
    action: "write it to the journal, and send it",
    to: "Greeting",
  },
  {
    from: "Greeting",
    event: "a welcome names the journal",
    action:
      "keep `epoch`, `pace`, `limits`; what it says is durable, is; all else that was not sent on this link is to be sent",
    to: "Filling",
  },
  {
    from: "Filling",
    event: "a sample is measured",
    action: "write it to the journal, and send it: it waits for no backfill",
    to: "Filling",
  },
  {
    from: "Filling",
    event: "pace and window leave room",
    action: "send the oldest that are to be sent as `backfill`, those that are lost as `gap`",
    to: "Filling",
  },
  { from: "Filling", event: "nothing is to be sent", action: "nothing", to: "Level" },
  { from: "Level", event: "a sample is measured", action: "write it to the journal, and send it", to: "Level" },
  { from: "Level", event: "something did not arrive", action: "it is to be sent again", to: "Filling" },
  { from: "Greeting", event: "the link ends", action: "what was sent counts as not sent; connect anew", to: "Away" },
  { from: "Filling", event: "the link ends", action: "the same", to: "Away" },
  { from: "Level", event: "the link ends", action: "the same", to: "Away" },
];

/** One number of a journal. */
const sampleTransitions: readonly Transition[] = [
  { from: "[*]", event: "it is measured", action: "write it to the journal, under the next `seq`", to: "Held" },
  { from: "Held", event: "it is sent", action: "note on which link, and after what", to: "Sent" },
  { from: "Held", event: "it is durable", action: "it was sent on an earlier link: forget it", to: "Durable" },
  {
    from: "Held",
    event: "the journal has no room, or cannot read it",
    action: "drop it; keep its number, its time and the reason",
    to: "Lost",
  },
  { from: "Sent", event: "it is durable", action: "forget it", to: "Durable" },
  { from: "Sent", event: "it did not arrive", action: "it is to be sent again, as backfill", to: "Held" },
  { from: "Sent", event: "the link ends", action: "the same", to: "Held" },
  { from: "Lost", event: "a gap is sent", action: "note on which link, and after what", to: "Declared" },
  { from: "Declared", event: "it is durable", action: "forget it", to: "Durable" },
  { from: "Declared", event: "it did not arrive", action: "the gap is to be sent again", to: "Lost" },
  { from: "Declared", event: "the link ends", action: "the same", to: "Lost" },
  { from: "Durable", event: "the journal is cut", action: "the room is free", to: "[*]" },
];

function diagram(transitions: readonly Transition[], start = ""): string {
  const edges = transitions.map(({ from, event, to }) => `  ${from} --> ${to}: ${event}`);
  return `\`\`\`mermaid\nstateDiagram-v2\n${start}${edges.join("\n")}\n\`\`\``;
}

function transitionTable(transitions: readonly Transition[]): string {
  const name = (state: string): string => (state === "[*]" ? "" : state);
  return table(
    ["State", "When", "Do", "Then"],
    transitions.map(({ from, event, action, to }) => [name(from), event, action, name(to)]),
  );
}

/** What the author of a device must know to lose nothing. `tests/conformance/world/wire-page-journal.test.ts` replays its exchange. */
export function nothingLost(): string {
  const defaultOf = (key: string): string =>
    Number(settings.find((each) => each.key === key)?.schema.default).toLocaleString("en-US");
  return `## Nothing lost

A device that speaks ${code(subprotocol)} may number its samples, keep each until the server says that it is stored, and send again what was not. Who does so brings back an outage of any length that its journal can hold.
Why it is so: [ADR 70](../adr/0070-nothing-lost.md). The same frames for programs: [asyncapi.json](asyncapi.json).

- **Journal**: the device's samples under ${code("seq")} 1, 2, 3 … without a hole, up to ${limits.seqMax.toLocaleString("en-US")}, then another journal. Its ${code("id")}, 1 to ${limits.nameLengthMax} characters, is made at random with it and lasts as long as it does; one that is kept in memory alone is a new one
  at each start. Never give a number twice: what comes under a number that is stored is passed over. Who has lost the end of its journal goes on above the highest number that the welcome tells.
- **Before sending**, write. A sample that went out and is not in the journal cannot be sent again.
- **Acknowledged** is what stands in a commit of the store, and nothing else: ${code("durable_seq")} and ${code("durable_ranges")} of the welcome, ${code("seq")} and ${code("ranges")} of ${code("ack")}. Both say all that is durable, so that the last one counts and one that is missed does no harm.
- A **numbered sample** is a telemetry message with one member more, ${code('{"seq":17,"device_id":…}')}. As the first member it costs the server nothing. It is no point, and dashboards do not get it.

### The order of frames

1. Offer ${code(subprotocol)}, and see that the server has agreed. Where it has not, nothing is ever acknowledged: send samples without numbers, and keep the journal.
2. The server begins with a ${code("welcome")}. It names no journal yet.
3. The device's first frame is ${code("hello")}, once, with its ${code("journal")}. It need not wait for the welcome, but no numbered sample may go before it: its number would not be understood.
4. **Live first.** Each sample goes out as it is measured, and waits for neither welcome nor backfill.
5. As soon as the store has answered comes the second ${code("welcome")}, with ${code("journal_id")}. While the store is away it does not come, and live samples are shown but not stored; a ${code("pace")} of 0 comes first then, and says that the server knows journals: samples go on having numbers. Frames of ${code("backfill")} and ${code("gap")} may follow it, and not go before it.
6. Then, in any order: live samples and ${code("backfill")}, ${code("gap")} from the device; ${code("ack")}, ${code("pace")}, ${code("refused")} from the server, beside the frames of commands.

The ${code("epoch")} of that welcome is the journal's own, and stays the same. Another one for the same journal says that the server does not know it, since the device was registered anew or has opened ${limits.journalsPerDevice} other journals since. What was acknowledged under the earlier
one belongs to that registration, and is declared as a gap (${code("lost")}) instead of being sent again.

### What did not arrive

Samples are stored in the order in which they were sent on a link, live ones and backfill alike. So:

- What was sent on this link **before** something that is durable now, and is not durable itself, did not arrive: it is sent again, as backfill. That is the order of **sending** and not of ${code("seq")}: backfill of a low number is on its way while a live sample of a higher one is acknowledged.
- What was sent **after** it is on its way.
- If no ${code("ack")} has come for 30 s though something waits for one, all that is not acknowledged counts as not sent.
- When a link ends, all that was sent on it and is not acknowledged counts as not sent. The next welcome says what arrived all the same.
  Connect anew after a random part of 5 s, 10 s, 20 s … 60 s, so that a fleet does not come back as one, and not before ${code("Retry-After")}; after close codes as [their table](#close-codes) says.

Who sends too much again does no harm but to itself. Causes are the rate, a queue to the store that is full, a store that had not answered yet, or more than ${limits.durableRangesMax} stretches behind a hole; the device need not tell them apart.

### Sizes and rates

- A frame has at most ${code("limits.frame_bytes")} of the welcome (${limits.frameBytesMax.toLocaleString("en-US")}); one of ${code("backfill")} 1 to ${limits.backfillSamplesMax} samples, oldest first. A sample that fits into no frame of backfill is lost: declare it.
- At most ${code("pace.backfill")} samples of backfill a second, from the welcome on and as each ${code("pace")} says; 0 means none until the next one. At most two seconds' worth of it may be unacknowledged. A frame that is faster is dropped as a whole (${code("refused")}: ${code("rate_limited")}) and not acknowledged.
  One device gets ${defaultOf("limits.backfill_per_device")} at most, all together share ${defaultOf("limits.backfill_per_second")} (${code("limits.backfill_per_device")}, ${code("limits.backfill_per_second")}).
- ${code("limits.messages_per_second")} (${limits.messagesPerSecond}) holds for live samples and frames together, a frame of backfill being one; what is above is dropped and not acknowledged.
- An ${code("ack")} comes at most four times a second, and after a commit alone.
- A sample of before needs a time of its own, at most ${Math.round(limits.backlogMsMax / 86_400_000)} days old.

### What will never come

- What the device has lost, it declares: ${code("gap")}, with the times if it knows them and ${code("overflow")}, ${code("lost")} or ${code("damaged")}. It is acknowledged as samples are, and an event of the device for people.
- What lies below ${code("first_seq")} of a hello and is not durable is lost as well, without a gap.
- A sample that the server refuses for what it says counts as durable: sent again it would be refused again. ${code("refused")} says why.

### The link

${diagram(linkTransitions, "  [*] --> Away\n")}

${transitionTable(linkTransitions)}

In each state but Away an ${code("ack")} makes durable what it says, and ${code("pace")} changes the pace.

### A sample

${diagram(sampleTransitions)}

${transitionTable(sampleTransitions)}

### A whole exchange

The first samples of a journal; the server restarts; three samples are measured meanwhile, of which the last cannot be read any more; one is live again, and what was missed is brought in beside it.

${transcript()}

Between two acks of the page there may be others. A test says all this to a real server.

### What the server promises, and what it does not

| It promises | It does not |
| --- | --- |
| What is acknowledged is committed, and outlives the server's process and its machine's power as far as its disk keeps its word | To acknowledge within any time: while the store is away it does not |
| A number of a journal is stored once, whatever comes twice: on one link, across links, across restarts | To notice that two devices write one journal, or one device gives a number twice |
| A server that was restored from a backup says an older ${code("durable_seq")}, and takes again what the device still holds | To get back what the device has forgotten since it was acknowledged |
| A live sample is shown at once, whatever the store does | To keep it: that is for the device, until the ack |
| Backfill changes history, energy and coverage; it is never the latest, goes to no dashboard, and shows no command as applied | To take backfill at more than the pace |
| A gap that was declared is told to people as such | To find out what was in it |
`;
}

const sample = (clock: string, soc: number): string =>
  `"device_id":"ems_001","timestamp":"2026-01-31T${clock}Z","battery":{"soc":${soc}}}`;

/** Two links of one device. Times and epochs of the server are examples. */
function transcript(): string {
  const welcome = (clock: string, epoch: number, rest = ""): string =>
    `server → device   {"type":"welcome","server_time":"2026-01-31T${clock}Z","epoch":${epoch}${rest}}`;
  const known = (durableSeq: number): string =>
    `,"journal_id":"9f6c21d0","durable_seq":${durableSeq},"pace":{"backfill":1000},"limits":{"frame_bytes":${limits.frameBytesMax},"messages_per_second":${limits.messagesPerSecond}}`;
  const journal = 1_769_860_800_002;
  return `\`\`\`
GET ${paths.device}ems_001, Sec-WebSocket-Protocol: ${subprotocol}
${welcome("12:00:00.000", 1_769_860_800_001)}
device → server   {"type":"hello","journal":{"id":"9f6c21d0","first_seq":1,"last_seq":0}}
${welcome("12:00:00.010", journal, known(0))}
device → server   {"seq":1,${sample("12:00:01", 85)}
server → device   {"type":"ack","seq":1}
device → server   {"seq":2,${sample("12:00:02", 85)}
server → device   {"type":"ack","seq":2}
server → device   close 1012 restarting

GET ${paths.device}ems_001, Sec-WebSocket-Protocol: ${subprotocol}
${welcome("12:00:06.000", 1_769_860_806_001)}
device → server   {"type":"hello","journal":{"id":"9f6c21d0","first_seq":3,"last_seq":5}}
${welcome("12:00:06.010", journal, known(2))}
device → server   {"seq":6,${sample("12:00:06", 84)}
server → device   {"type":"ack","seq":2,"ranges":[[6,6]]}
device → server   {"type":"backfill","samples":[{"seq":3,${sample("12:00:03", 84)},{"seq":4,${sample("12:00:04", 84)}]}
device → server   {"type":"gap","from_seq":5,"to_seq":5,"reason":"damaged"}
server → device   {"type":"ack","seq":6}
\`\`\``;
}
