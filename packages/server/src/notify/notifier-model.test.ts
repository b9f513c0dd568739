import fc from "fast-check";
import { expect, test } from "vitest";
import { failed, type Outcome } from "./message.ts";
import type { Notice } from "./notice.ts";
import { NotifyWorld, notice, over, person } from "./notify-world.fixture.ts";

/**
 * Method: random sequences of alarms, failures, full disks, kills and hours, on a clock that the test moves; then all receivers work for two
 * days, and the books must balance.
 */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const perHour = 4;
const names = ["ada", "bob", "eve"] as const;
type Name = (typeof names)[number];
type Mood = "works" | "fails" | "refuses" | "hangs";

const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("begin" as const), isCritical: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat(50) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("mood" as const),
      who: fc.constantFrom(...names),
      mood: fc.constantFrom<Mood>("works", "fails", "refuses", "hangs"),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), minutes: fc.integer({ min: 1, max: 240 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("kill" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disk" as const), minutes: fc.integer({ min: 1, max: 30 }) }) },
);

type Step = typeof act extends fc.Arbitrary<infer Each> ? Each : never;

class Run {
  readonly world = new NotifyWorld();
  readonly open = new Map<string, Notice>();
  readonly told: Notice[] = [];
  readonly moods: Record<Name, Mood> = { ada: "works", bob: "works", eve: "works" };
  /** When each message was tried first, by person. */
  readonly firstTries = new Map<string, { who: string; atMs: number }>();
  #hanging: ((delivery: Outcome) => void)[] = [];

  async start(): Promise<void> {
    const { world } = this;
    world.perHour = perHour;
    world.receiver = ({ name }, messageId) => this.#receive(name as Name, messageId);
    await world.start();
    world.add("ada");
    world.add("bob", { severities: ["critical"] });
    world.add("eve", { digestMinutes: 10 });
    world.channels.changePreferences(person("ada"), {
      timeZone: "Europe/Vienna",
      quietHours: { from: "22:00", to: "06:30", critical_breaks_through: true },
    });
    await world.journal.settle();
  }

  async do(step: Step): Promise<void> {
    const { world, open } = this;
    switch (step.kind) {
      case "begin": {
        const about = `alm_${this.told.length + 1}`;
        const begun = notice(about, { severity: step.isCritical ? "critical" : "warning" });
        this.told.push(begun);
        open.set(about, begun);
        world.notifier.tell(begun);
        break;
      }
      case "end": {
        const begun = [...open.values()][step.which];
        if (begun === undefined) return;
        open.delete(begun.about);
        world.notifier.tell(over(begun, world.clock.wallMs()));
        break;
      }
      case "mood":
        this.moods[step.who] = step.mood;
        if (step.mood === "works") this.#letGo();
        break;
      case "pass":
        await this.pass(step.minutes * minuteMs);
        break;
      case "kill":
        await this.kill();
        break;
      case "disk":
        world.isDiskFull = true;
        await this.pass(step.minutes * minuteMs);
        world.isDiskFull = false;
        await world.pass(2_000, 1_000);
    }
    await world.settle();
  }

  async kill(): Promise<void> {
    const { world, open } = this;
    await world.kill();
    this.#hanging = [];
    await world.start();
    // As `tellWhatIsOpen` does for the alarms.
    for (const begun of open.values()) world.notifier.tell(begun);
    for (const begun of world.notifier.open()) {
      if (!open.has(begun.about)) world.notifier.tell(over(begun, world.clock.wallMs()));
    }
    await world.settle();
  }

  /** Hanging deliveries end by their deadline, as `Deliveries` sees to. */
  async pass(ms: number): Promise<void> {
    const stepMs = Math.max(minuteMs, Math.ceil(ms / 60));
    for (let left = ms; left > 0; left -= stepMs) {
      await this.world.pass(Math.min(stepMs, left), Math.min(stepMs, left));
      this.#letGo();
      await this.world.settle();
    }
  }

  #letGo(): void {
    for (const answer of this.#hanging.splice(0)) answer(failed("It did not answer in time."));
  }

  #receive(name: Name, messageId: string): Outcome | Promise<Outcome> {
    const nowMs = this.world.clock.wallMs();
    if (!this.firstTries.has(messageId)) this.firstTries.set(messageId, { who: name, atMs: nowMs });
    switch (this.moods[name]) {
      case "works":
        return { kind: "delivered" };
      case "fails":
        return failed("It answers 503.");
      case "refuses":
        return failed("It answers 400.", "message");
      default:
        return new Promise((resolve) => this.#hanging.push(resolve));
    }
  }
}

function countIn(times: readonly number[], spanMs: number): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + spanMs).length));
}

async function check(run: Run): Promise<void> {
  const { world, told, open } = run;
  const stored = await world.stored();
  expect(stored.filter(({ endedAtMs }) => endedAtMs === null)).toEqual([]);
  const wanted = told.flatMap(({ about, severity }) =>
    names.flatMap((name) => (name === "bob" && severity !== "critical" ? [] : [`${name} begins ${about}`])),
  );
  const lineOf = (name: string, phase: string, about: string | null) => `${name} ${phase} ${about}`;
  const begun = stored.filter(({ phase }) => phase === "begins");
  // One for each channel that wants it, and for no other.
  expect(begun.map(({ channelName, phase, about }) => lineOf(channelName, phase, about)).sort()).toEqual(wanted.sort());
  // Each is delivered, or says why not.
  for (const { status, cause, channelName, about } of stored) {
    if (status !== "delivered")
      expect([channelName, about, status, cause]).toEqual([
        channelName,
        about,
        expect.stringMatching(/^(given_up|withdrawn)$/),
        expect.stringMatching(/./),
      ]);
  }
  // The end is told to those who were told of the beginning, and to them alone.
  const delivered = begun.filter(({ status }) => status === "delivered");
  const ends = delivered
    .filter(({ about }) => !open.has(about ?? ""))
    .map(({ channelName, about }) => lineOf(channelName, "over", about));
  const told_ = stored.filter(({ phase, status }) => phase === "over" && status === "delivered");
  const ended = told_.map(({ channelName, about }) => lineOf(channelName, "over", about));
  const heard = new Set(delivered.map(({ channelName, about }) => `${channelName} ${about}`));
  const givenUp = stored.filter(
    ({ phase, status, channelName, about }) =>
      phase === "over" && status === "given_up" && heard.has(`${channelName} ${about}`),
  );
  const lost = givenUp.map(({ channelName, about }) => lineOf(channelName, "over", about));
  expect([...ended, ...lost].sort()).toEqual(ends.sort());
  // Nobody hears of an end before the beginning.
  const at = new Map(delivered.map(({ channelName, about, endedAtMs }) => [`${channelName} ${about}`, endedAtMs ?? 0]));
  for (const { channelName, about, endedAtMs } of told_) {
    expect(endedAtMs ?? 0).toBeGreaterThanOrEqual(at.get(`${channelName} ${about}`) ?? Number.POSITIVE_INFINITY);
  }
  // A message is delivered once, and each notification goes with one message.
  const ids = world.taken.map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(ids.length);
  // No hour has more messages to one person than it may.
  for (const name of names) {
    const times = [...run.firstTries.values()].flatMap(({ who, atMs }) => (who === name ? [atMs] : []));
    expect([name, countIn(times, hourMs)]).toEqual([name, expect.toSatisfy((count: number) => count <= perHour)]);
  }
}

test("each notice reaches each channel that wants it once a phase, or is given up by name, whatever fails and however often the server is killed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (steps) => {
      const run = new Run();
      await run.start();
      for (const step of steps) await run.do(step);
      for (const name of names) run.moods[name] = "works";
      await run.pass(50 * hourMs);
      await check(run);
      await run.world.end();
    }),
    { numRuns: Number(process.env.FAULTS_LONG ?? 0) > 0 ? 500 : 25 },
  );
});
