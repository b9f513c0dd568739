import { defaultUrl } from "@wattboard/protocol";
import type { SolMateBehaviour } from "@wattboard/simulator";
import { type Command, InvalidArgumentError, Option } from "commander";
import { Questioner, yesOrNo } from "./questions.ts";
import { LiveLine, WrongUsage } from "./report.ts";
import { untilSignalled } from "./settings-options.ts";
import { orWrongUsage, readTokens } from "./simulate.ts";
import { wholeNumber } from "./whole-number.ts";

/** What the questions ask for. */
interface Style {
  readonly devices: number;
  readonly behaviour: SolMateBehaviour;
  readonly max: number;
  readonly sleepMin: number;
  readonly sleepMax: number;
}

interface SolMateOptions extends Partial<Style> {
  readonly yes?: boolean;
  readonly initializer?: boolean;
  readonly remoteControl?: boolean;
  readonly url: string;
  readonly tokens?: string;
  readonly firstSerial: number;
  readonly seed: number;
}

/** Serial numbers have four digits. */
const serialMax = 9_999;
/** The server takes 50 messages a second of one device. */
const sleepMinLeastS = 0.02;
const usual: Style = { devices: 20, behaviour: "sine", max: 400, sleepMin: 1, sleepMax: 5 };
const flags: Readonly<Record<keyof Style, string>> = {
  devices: "--devices",
  behaviour: "--behaviour",
  max: "--max",
  sleepMin: "--sleep-min",
  sleepMax: "--sleep-max",
};

const parseDevices = wholeNumber(1, serialMax);
const parseMax = wholeNumber(1);

export function addSimulateSolMateCommand(simulate: Command): void {
  simulate
    .command("solmate")
    .description(
      "Emulate SolMates, which speak SMART-OS: each sends what has changed, and awaits OK. What is not given is asked.",
    )
    .option(
      `${flags.devices} <number>`,
      `how many SolMate instances, at most 9,999 since serial numbers have four digits (usual: ${usual.devices})`,
      parseDevices,
    )
    .addOption(
      new Option(
        `${flags.behaviour} <style>`,
        `values at random, or strictly monotonic: along a line, or a sine curve (usual: ${usual.behaviour})`,
      ).choices(["random", "linear", "sine"]),
    )
    .option(
      `${flags.max} <number>`,
      `maximum of all values, which begin anywhere from 0 to it (usual: ${usual.max})`,
      parseMax,
    )
    .option(
      `${flags.sleepMin} <seconds>`,
      `minimum time between two changes of a device (usual: ${usual.sleepMin})`,
      parseSleep,
    )
    .option(
      `${flags.sleepMax} <seconds>`,
      `maximum time between two changes of a device (usual: ${usual.sleepMax})`,
      parseSleep,
    )
    .option("-y, --yes", "ask nothing: what is not given is as usual")
    .option("--initializer", "begin with an INIT of all attributes, most with a leading underscore, instead of an UPDT")
    .option(
      "--remote-control",
      "announce what can be set (inject_max, injecting), and obey; solmate.py knows no commands",
    )
    .option("--url <url>", "the server, or its door (SERVER_URL of solmate.py)", defaultUrl)
    .option("--first-serial <number>", "serial number of the first device", wholeNumber(0, serialMax), 1)
    .option("--tokens <file>", 'lines of {"device_id","token"} for a server with smart_os.access: token')
    .option("--seed <number>", "same seed, same values", wholeNumber(0), 1)
    .addHelpText(
      "after",
      `
The server's doors for SolMates must be open: wattboard serve --smart-os-access open --smart-os-auto-register. Without the second,
serial numbers that it does not know get ERROR until somebody accepts them. The line at the end counts both answers.

Examples:
  $ wattboard simulate solmate                              asks how many, and how they behave
  $ wattboard simulate solmate --yes                        20 of them, along a sine curve
  $ wattboard simulate solmate --devices 2670 --behaviour random --max 500 --sleep-min 2 --sleep-max 10
  $ wattboard simulate solmate --yes --remote-control       devices that can be told how much to inject
  $ wattboard simulate solmate --yes --initializer --url ws://192.168.0.192:8000/update/`,
    )
    .action(async (options: SolMateOptions) => {
      const style = await styleOf(options);
      const { url, firstSerial, seed, initializer = false, remoteControl = false } = options;
      const tokens = options.tokens === undefined ? undefined : readTokens(options.tokens);
      const { formatSolMateStatus, runSolMates } = await import("@wattboard/simulator");
      const line = new LiveLine();
      const stop = new AbortController();
      const signalled = untilSignalled().then(() => stop.abort());
      await orWrongUsage(
        runSolMates({
          url,
          devices: style.devices,
          firstSerial,
          behaviour: style.behaviour,
          valueMax: style.max,
          sleepMinS: style.sleepMin,
          sleepMaxS: style.sleepMax,
          seed,
          initializer,
          remoteControl,
          ...(tokens !== undefined && { tokens }),
          signal: stop.signal,
          onStatus: (status) => line.show(formatSolMateStatus(status)),
        }),
      );
      line.end();
      await signalled;
    });
}

/** From the flags; what they leave open is asked for, or as usual. */
async function styleOf({ yes = false, ...given }: SolMateOptions): Promise<Style> {
  const names = Object.keys(flags) as (keyof Style)[];
  const missing = names.filter((name) => given[name] === undefined).map((name) => flags[name]);
  if (missing.length === 0 || yes) return { ...usualWith(given), ...given };
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new WrongUsage(
      `Here is no terminal to ask in, and not given ${missing.length > 1 ? "are" : "is"} ${missing.join(", ")}. --yes takes what is usual.`,
    );
  }
  const questioner = new Questioner();
  try {
    return await askStyle(questioner, given);
  } finally {
    questioner.close();
  }
}

/** What is usual, but for a sleep whose other end is given and would not fit. */
function usualWith({ sleepMin = usual.sleepMin, sleepMax = usual.sleepMax }: Partial<Style>): Style {
  return { ...usual, sleepMin: Math.min(usual.sleepMin, sleepMax), sleepMax: Math.max(usual.sleepMax, sleepMin) };
}

/** The questions of `solmate.py`, in its order. */
async function askStyle(questioner: Questioner, given: Partial<Style>): Promise<Style> {
  const devices =
    given.devices ??
    (await questioner.ask({
      text: "How many SolMate instances?",
      flag: flags.devices,
      usual: usual.devices,
      parse: parseDevices,
    }));
  const behaviour = given.behaviour ?? (await askBehaviour(questioner));
  const max =
    given.max ??
    (await questioner.ask({ text: "Maximum values?", flag: flags.max, usual: usual.max, parse: parseMax }));
  const sleepMin =
    given.sleepMin ??
    (await questioner.ask({
      text: "Minimum sleep time between two values, in seconds?",
      flag: flags.sleepMin,
      usual: usualWith(given).sleepMin,
      parse: parseSleep,
    }));
  const sleepMax =
    given.sleepMax ??
    (await questioner.ask({
      text: "Maximum sleep time between two values, in seconds?",
      flag: flags.sleepMax,
      usual: usualWith({ sleepMin }).sleepMax,
      parse: parseSleep,
    }));
  return { devices, behaviour, max, sleepMin, sleepMax };
}

async function askBehaviour(questioner: Questioner): Promise<SolMateBehaviour> {
  const ask = (text: string) =>
    questioner.ask({ text, flag: flags.behaviour, usual: true, parse: yesOrNo, format: () => "y" });
  if (!(await ask("Strict monoton behaviour? (y/n)"))) return "random";
  return (await ask("Sinus curve behaviour? (y/n)")) ? "sine" : "linear";
}

function parseSleep(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < sleepMinLeastS) {
    throw new InvalidArgumentError(`It must be a number of seconds, at least ${sleepMinLeastS}.`);
  }
  return value;
}
