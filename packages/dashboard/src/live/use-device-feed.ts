import { connectTelemetry, type StreamStatus } from "@wattboard/client";
import type {
  Capabilities,
  CommandBody,
  CommandListBody,
  DeviceDetail,
  SampleBody,
  Telemetry,
} from "@wattboard/protocol";
import { useCallback, useEffect, useRef, useState } from "react";
import { queryClient } from "../api/query-client.ts";
import { getJson, type RequestFailed } from "../api/request.ts";
import { serverClock } from "../api/server-clock.ts";
import { usePolled } from "../api/use-polled.ts";
import { apiPaths, serverUrl } from "../paths.ts";
import type { LinkView } from "./link-view.ts";
import { fileLive, type LivePoints, noLivePoints, seedSample } from "./live-points.ts";
import { PowerHistory } from "./power-history.ts";

export interface DeviceFeed {
  /** What the server knows of the device; null before the first answer. */
  readonly detail: DeviceDetail | null;
  readonly failure: RequestFailed | null;
  readonly live: LivePoints;
  /** The last frame as it came. */
  readonly lastText: string | null;
  readonly history: PowerHistory;
  readonly link: LinkView;
  /** The device's newest commands, the newest first; null before they are known. */
  readonly commands: readonly CommandBody[] | null;
  /** What the device says that it can be told; null where it has not said. */
  readonly announced: Capabilities | null;
  /** Files a command that was given here. */
  readonly fileCommand: (command: CommandBody) => void;
}

/** What is known of one device and changes with every message. Kept outside of React's state, which is told once a frame. */
interface Model {
  live: LivePoints;
  lastText: string | null;
  history: PowerHistory;
  heardAtMs: number | null;
  /** As the API said last, or as a message from the device has shown since. */
  isOnline: boolean;
  status: StreamStatus;
  hasFailed: boolean;
  commands: readonly CommandBody[] | null;
  announced: Capabilities | null;
}

function newModel(): Model {
  return {
    live: noLivePoints,
    lastText: null,
    history: new PowerHistory(),
    heardAtMs: null,
    isOnline: false,
    status: "CONNECTING",
    hasFailed: false,
    commands: null,
    announced: null,
  };
}

/**
 * One device, live, for a component that is mounted anew for each device (`key`). `chartMs` is how far back the history reaches.
 * The stream tells values; the API tells how the server filed the newest one, and whether the server is there at all.
 */
export function useDeviceFeed(deviceId: string, chartMs: number): DeviceFeed {
  const [round, setRound] = useState(0);
  const modelRef = useRef<Model>(null);
  modelRef.current ??= newModel();
  const model = modelRef.current;
  const path = apiPaths.device(deviceId);
  const commandsPath = apiPaths.commands(deviceId, { limit: commandsShown });

  const render = useFrameRender();
  const askDetail = async (asked: string, signal: AbortSignal): Promise<DeviceDetail> => {
    const body = await getJson<DeviceDetail>(asked, signal);
    model.heardAtMs = serverClock.now();
    model.isOnline = body.online;
    if (body.latest !== null) model.live = seedSample(model.live, body.latest);
    return body;
  };
  const { body: detail, failure } = usePolled(path, { everyMs: 4_000, ask: askDetail });

  const fileCommand = useCommands(commandsPath, model, render);

  const isKnown = detail !== null;
  // What was missed meanwhile, or was stored only now, is in the store.
  const seedAnew = useCallback(() => setRound((before) => before + 1), []);
  // Before the server has told its time, the age of a message could not be told either.
  useStream(isKnown ? deviceId : null, { path, commandsPath, model, render, fileCommand, seedAnew });

  useSeed(model.history, isKnown ? deviceId : null, chartMs, round, render);

  const { isOnline, live, lastText, history, commands, announced } = model;
  const present = detail === null ? null : { ...detail, online: isOnline };
  return {
    detail: present,
    failure,
    live,
    lastText,
    history,
    link: linkView(model, failure),
    commands,
    announced,
    fileCommand,
  };
}

interface StreamUse {
  readonly path: string;
  readonly commandsPath: string;
  readonly model: Model;
  readonly render: () => void;
  readonly fileCommand: (command: CommandBody) => void;
  readonly seedAnew: () => void;
}

/** Files in the model what the device's stream tells; of no device where it is not known yet. */
function useStream(
  deviceId: string | null,
  { path, commandsPath, model, render, fileCommand, seedAnew }: StreamUse,
): void {
  useEffect(() => {
    if (deviceId === null) return;
    const askDetail = () => void queryClient.invalidateQueries({ queryKey: [path] });
    const past = atMostEvery(pastMs, () => {
      seedAnew();
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith(`${path}/`) });
    });
    let isFirst = true;
    const stream = connectTelemetry(deviceId, {
      url: serverUrl,
      onStatus(status) {
        model.status = status;
        if (status === "CLOSED") model.hasFailed = true;
        if (status === "OPEN") {
          askDetail();
          void queryClient.invalidateQueries({ queryKey: [commandsPath] });
          // What came between the first answers and the stream. After a lost connection the stream goes on where it was, or tells a gap.
          if (isFirst) seedAnew();
          isFirst = false;
        }
        render();
      },
      onCommand: fileCommand,
      onTelemetry(telemetry, text, { origin, receivedAtMs }) {
        model.lastText = text;
        model.heardAtMs = serverClock.now();
        // On connecting comes the latest sample, however old: the API tells how it was filed.
        if (origin === "live" && fileTelemetry(model, telemetry, receivedAtMs ?? serverClock.now())) askDetail();
        render();
      },
      onPresence(online) {
        if (model.isOnline !== online) askDetail();
        model.isOnline = online;
        render();
      },
      onBackfilled: past.run,
      onGap: past.run,
    });
    return () => {
      past.stop();
      stream.close();
    };
  }, [deviceId, path, commandsPath, model, render, fileCommand, seedAnew]);
}

/** Runs the task at once and, however often it is asked for meanwhile, not again until so much time has passed. */
function atMostEvery(periodMs: number, task: () => void): { run(): void; stop(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isDue = false;
  const run = (): void => {
    isDue = timer !== undefined;
    if (isDue) return;
    task();
    timer = setTimeout(() => {
      timer = undefined;
      if (isDue) run();
    }, periodMs);
  };
  return { run, stop: () => clearTimeout(timer) };
}

/** Renders the component anew: however often it is asked to, at most once for each frame of the screen. */
function useFrameRender(): () => void {
  const [, setVersion] = useState(0);
  const frameRef = useRef(0);
  useEffect(() => () => cancelAnimationFrame(frameRef.current), []);
  return useCallback(() => {
    frameRef.current ||= requestAnimationFrame(() => {
      frameRef.current = 0;
      setVersion((version) => version + 1);
    });
  }, []);
}

/** Keeps the model's commands; gives what files one more of them. */
function useCommands(path: string, model: Model, render: () => void): (command: CommandBody) => void {
  // The stream tells each step; this tells what was before, and what the device can be told.
  const askCommands = async (asked: string, signal: AbortSignal): Promise<CommandListBody> => {
    const body = await getJson<CommandListBody>(asked, signal);
    model.commands = body.commands;
    model.announced = body.announced;
    return body;
  };
  usePolled(path, { everyMs: 15_000, ask: askCommands });
  return useCallback(
    (command: CommandBody) => {
      model.commands = withCommand(model.commands ?? [], command);
      render();
    },
    [model, render],
  );
}

/** Files what the device sent. True where it was offline before. */
function fileTelemetry(model: Model, telemetry: Telemetry, receivedAtMs: number): boolean {
  const before = model.live.newest;
  model.live = fileLive(model.live, telemetry, receivedAtMs);
  const { newest } = model.live;
  if (newest !== null && newest !== before) model.history.add(newest.atMs, telemetry);
  const wasOffline = !model.isOnline;
  model.isOnline = true;
  return wasOffline;
}

/** Fills the history with what the store has of the last `chartMs`, again with each round; of no device where it is not known yet. */
function useSeed(
  history: PowerHistory,
  deviceId: string | null,
  chartMs: number,
  round: number,
  render: () => void,
): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each `round` there is more in the store.
  useEffect(() => {
    if (deviceId === null) return;
    const stop = new AbortController();
    const nowMs = serverClock.now();
    const samplesPath = apiPaths.samples(deviceId, {
      from: new Date(nowMs - chartMs).toISOString(),
      to: new Date(nowMs).toISOString(),
      limit: seedSamplesMax,
    });
    getJson<{ samples: SampleBody[] }>(samplesPath, stop.signal).then(
      ({ samples }) => {
        history.seed(samples);
        render();
      },
      // The chart then fills from the stream; that the server does not answer is told by the poll above.
      () => undefined,
    );
    return () => stop.abort();
  }, [deviceId, chartMs, round, history, render]);
}

function linkView({ status, hasFailed, heardAtMs: lastHeardAtMs }: Model, failure: RequestFailed | null): LinkView {
  const isLost = failure !== null ? failure.status === 0 : status !== "OPEN" && hasFailed;
  if (isLost) return { phase: "lost", lastHeardAtMs };
  return { phase: status === "OPEN" ? "live" : "connecting", lastHeardAtMs };
}

/** While a device brings much of the past, what is shown of it is read anew so often. */
const pastMs = 5_000;
const seedSamplesMax = 5_000;
const commandsShown = 6;

/** The list with this command as it is now. An older word of it that comes late does not set it back. */
export function withCommand(commands: readonly CommandBody[], command: CommandBody): readonly CommandBody[] {
  const known = commands.find(({ command_id }) => command_id === command.command_id);
  if (known === undefined) return [command, ...commands].slice(0, commandsShown);
  if (known.history.length > command.history.length) return commands;
  return commands.map((each) => (each === known ? command : each));
}
