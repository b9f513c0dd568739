import { connectDevice } from "@wattboard/device";
import type { SampleJournal } from "../../packages/device/dist/journal.js";
import { memoryJournal } from "../../packages/device/dist/memory-journal.js";
import type { Transport } from "../../packages/device/dist/transport.js";
import type { Chance } from "./chance.ts";
import type { DeviceDisk } from "./device-disk.ts";
import type { DeviceProgram } from "./device-program.ts";
import { ModelDevice, type ModelMutation } from "./model-device.ts";
import type { Network } from "./network.ts";
import { ProcessClock, type Timeline, type WallClock } from "./timeline.ts";

/** `sdk-memory`: the SDK with its journal in memory. */
export type DeviceKind = "model" | "sdk" | "sdk-memory";

/** Told of each sample that a journal takes. */
type Accepted = (journalId: string, seq: number, text: string) => void;

interface DeviceWorld {
  readonly timeline: Timeline;
  readonly wall: WallClock;
  readonly network: Network;
  readonly chance: Chance;
  readonly disk: DeviceDisk;
  readonly accepted: Accepted;
  /** The device has taken a sample, and its journal has not. */
  readonly unkept: (text: string) => void;
  readonly mutation: ModelMutation | undefined;
}

/** One process of a device, from its start to its kill. */
export class DeviceProcess {
  readonly clock: ProcessClock;
  readonly program: DeviceProgram;
  journal: SampleJournal | null = null;

  constructor(
    kind: DeviceKind,
    { name, deviceId }: { readonly name: string; readonly deviceId: string },
    world: DeviceWorld,
  ) {
    const { timeline, wall, network, chance, disk, accepted, mutation } = world;
    this.clock = new ProcessClock(timeline, wall);
    const transport: Transport = (events) => network.connect(name, deviceId, events);
    const ports = { deviceId, clock: this.clock, random: chance.next, transport, isPatient: chance.happens(0.8) };
    const watch = (journal: SampleJournal): SampleJournal => {
      this.journal = watched(journal, accepted);
      return this.journal;
    };
    if (kind === "model") {
      const journal = watch(disk.open({ clock: this.clock, dropped: () => {} }));
      this.program = new ModelDevice(ports, journal, mutation);
      return;
    }
    const device = connectDevice({
      ...ports,
      token: "token",
      url: "http://127.0.0.1:8000",
      log: () => {},
      journal: (context) => {
        if (kind === "sdk") return watch(disk.open(context));
        const journal = memoryJournal({ bytesMax: 200 * disk.samplesMax })(context);
        // Its id is chance, which is the seed's here.
        return watch(Object.assign(journal, { id: `memory-${chance.between(0, 2 ** 32 - 1).toString(16)}` }));
      },
    });
    this.program = {
      send: (text) => {
        const lastSeq = this.journal?.lastSeq;
        const isTaken = device.send(JSON.parse(text));
        if (isTaken && this.journal?.lastSeq === lastSeq) world.unkept(text);
      },
    };
  }

  kill(): void {
    this.clock.kill();
  }
}

function watched(journal: SampleJournal, accepted: Accepted): SampleJournal {
  const append = journal.append.bind(journal);
  return Object.assign(journal, {
    append: (text: string) => {
      const seq = append(text);
      accepted(journal.id, seq, text);
      return seq;
    },
  });
}
