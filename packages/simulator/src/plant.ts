import type { Sample } from "@wattboard/device";
import { type Capabilities, type Command, targetModes } from "@wattboard/protocol";
import { Battery, reserveSoc } from "./battery.ts";
import { Controller, type Readings } from "./controller.ts";
import { Faults, type Vitals } from "./faults.ts";
import { Grid } from "./grid.ts";
import { Household } from "./household.ts";
import { Inverter } from "./inverter.ts";
import { MeanReverting } from "./mean-reverting.ts";
import type { PlannedDevice } from "./planned-device.ts";
import { Random } from "./random.ts";
import { SolarArray } from "./solar-array.ts";
import { Weather } from "./weather.ts";

export interface PlantOptions {
  /** Same seed, start and steps: same run. Weather and grid frequency are shared by all plants of a seed. */
  readonly seed: number;
  /** Where the plant's time begins, in milliseconds since 1970 UTC. */
  readonly startMs: number;
  /** Mishaps a day, on average. Default one in 20 days. */
  readonly faultsPerDay?: number;
  /** How the battery stands at the start; by default as chance has it. */
  readonly start?: PlantStart | undefined;
}

/** What a plant remembers for hours: all else is forgotten within minutes. */
export interface PlantStart {
  /** 0 to 1. */
  readonly soc: number;
  readonly batteryC: number;
}

/** Mean powers of the last step, W. `solarW + gridW = loadW + batteryW + inverterLossW` holds exactly but for rounding. */
export interface PlantFlows {
  readonly solarW: number;
  /** + imports. */
  readonly gridW: number;
  readonly loadW: number;
  /** At the battery's terminals; + charges. */
  readonly batteryW: number;
  readonly inverterLossW: number;
  /** Part of `batteryW` that the battery turned into heat. */
  readonly batteryLossW: number;
}

/** How a command ended. `message` says in words why it was not carried out. */
export type CommandOutcome = { readonly done: true } | { readonly done: false; readonly message: string };

/** Steps are no longer than this unless that would take too many of them; the physics is stable with any. */
const stepSMax = 60;
/** A fast simulation takes longer steps rather than more of them. */
const stepsAtOnceMax = 12;
/** How long a box takes to start. */
const restartS = 3;
/** House connections are at least three-phase 16 A. */
const connectionWMin = 11_000;

/** One house with panels, battery and inverter: pure physics, no clock, no socket. */
export class Plant {
  readonly battery: Battery;
  /** What it can be told, and in which ranges. */
  readonly announcement: Capabilities;
  readonly #controller = new Controller();
  readonly #solar: SolarArray;
  readonly #household: Household;
  readonly #inverter: Inverter;
  readonly #grid: Grid;
  readonly #weather: Weather;
  readonly #faults: Faults;
  readonly #wifi: MeanReverting;
  readonly #wifiMeanDbm: number;
  readonly #random: Random;
  readonly #readings: Readings = { soc: 0, selfConsumptionW: 0, dtS: 0 };
  readonly #vitals: Vitals = { batteryC: 0, voltageShare: 1 };
  #timeMs: number;
  #airC: number;
  #cloudCover: number;
  #loadW = 0;
  #gridW = 0;
  #startsInS = 0;

  constructor(planned: PlannedDevice, options: PlantOptions) {
    const { place, plant } = planned;
    const { seed, startMs, faultsPerDay = 0.05, start } = options;
    const stream = (part: string) => new Random(`${seed}/${planned.deviceId}/${part}`);
    this.#timeMs = startMs;
    this.#weather = new Weather(place, seed);
    this.#airC = this.#weather.airC(startMs);
    this.#cloudCover = this.#weather.cloudCover(startMs);
    this.#solar = new SolarArray(plant.solar, place.latitudeDeg, place.longitudeDeg);
    this.#household = new Household(plant.household, stream("household"));
    this.#inverter = new Inverter(plant.inverter);
    this.#grid = new Grid(place.grid, Math.max(connectionWMin, plant.inverter.ratedW), seed, stream("grid"));
    this.#faults = new Faults(faultsPerDay, stream("faults"));
    this.#random = stream("box");
    const soc = this.#random.between(0.25, 0.85);
    this.battery = new Battery(plant.battery, start?.soc ?? soc, start?.batteryC ?? roomC(this.#airC));
    const { chargeMaxW, dischargeMaxW } = plant.battery;
    this.#controller.chargeMaxW = chargeMaxW;
    this.announcement = announcementOf(chargeMaxW, Math.min(dischargeMaxW, plant.inverter.ratedW));
    this.#wifi = new MeanReverting(2.5, 300, this.#random);
    this.#wifiMeanDbm = this.#random.between(-72, -45);
    this.step(1);
  }

  /** The plant's own time. */
  get timeMs(): number {
    return this.#timeMs;
  }

  get state(): Controller["state"] {
    return this.#controller.state;
  }

  get flows(): PlantFlows {
    const { solarW, batteryW, lossW } = this.#inverter.flow;
    return {
      solarW,
      gridW: this.#gridW,
      loadW: this.#loadW,
      batteryW,
      inverterLossW: lossW,
      batteryLossW: this.battery.flow.lossW,
    };
  }

  /** Lives on until `timeMs`, in equal steps; nothing happens when that is not later than now. */
  advanceTo(timeMs: number): void {
    const aheadS = (timeMs - this.#timeMs) / 1_000;
    if (!(aheadS > 0)) return;
    const steps = Math.min(stepsAtOnceMax, Math.ceil(aheadS / stepSMax));
    for (let done = 0; done < steps; done++) this.step(aheadS / steps);
  }

  /** One step of `dtS` seconds: weather, then house, faults, decision, flow, and what the flow does to battery and grid. */
  step(dtS: number): void {
    this.#timeMs += dtS * 1_000;
    this.#airC = this.#weather.airC(this.#timeMs);
    this.#cloudCover = this.#weather.cloudCover(this.#timeMs);
    this.#loadW = this.#household.step(dtS, this.#timeMs, this.#airC);
    this.#wifi.step(dtS, this.#random);

    this.#vitals.batteryC = this.battery.temperatureC;
    this.#vitals.voltageShare = this.#grid.voltageShare;
    this.#faults.step(dtS, this.#vitals);
    this.battery.resistanceFactor = this.#faults.resistanceFactor;

    const availableW = this.#solar.availableW(this.#timeMs, this.#cloudCover, this.#airC);
    if (this.#startsInS > 0) this.#stand(dtS);
    else if (this.#faults.active.size > 0) this.#runInError(dtS, availableW);
    else this.#run(dtS, availableW);

    this.#gridW = this.#loadW - this.#inverter.flow.acW;
    this.#grid.step(dtS, this.#timeMs, this.#gridW, this.#faults.swell);
  }

  #run(dtS: number, availableW: number): void {
    const { battery } = this;
    this.#readings.soc = battery.soc;
    this.#readings.dtS = dtS;
    this.#readings.selfConsumptionW = this.#inverter.batteryForAcW(this.#loadW, availableW);
    const wantedW = this.#controller.decide(this.#readings, battery.chargeLimitW(dtS), battery.dischargeLimitW(dtS));
    const { powerW } = battery.step(this.#inverter.limitBatteryW(wantedW, availableW), dtS, roomC(this.#airC));
    this.#inverter.run(availableW, powerW);
    this.#controller.settle(powerW, battery.soc);
  }

  /** The battery stops. The panels go on feeding the house, unless it is the grid that is at fault. */
  #runInError(dtS: number, availableW: number): void {
    this.#controller.fail();
    this.battery.step(0, dtS, roomC(this.#airC));
    if (this.#faults.active.has("GRID_OVERVOLTAGE")) this.#inverter.off();
    else this.#inverter.run(availableW, 0);
  }

  /** The box starts: nothing flows, and the house lives from the grid. */
  #stand(dtS: number): void {
    this.#startsInS -= dtS;
    this.#controller.restart();
    this.battery.step(0, dtS, roomC(this.#airC));
    this.#inverter.off();
  }

  /** Obeys at the next step. A mode that is set in ERROR takes effect once the error is reset. */
  apply(command: Command): CommandOutcome {
    switch (command.action) {
      case "SET_MODE":
        this.#controller.setMode(command.payload.target_mode, command.payload.target_power);
        return { done: true };
      case "RESET_ERROR": {
        const stillWrong = this.#faults.reset(this.#vitals);
        return stillWrong === null ? { done: true } : { done: false, message: stillWrong };
      }
      case "SET_PARAMETER": {
        const { name, value } = command.payload;
        if (name === "reserve_soc") this.#controller.reserve = Number(value) / 100;
        else if (name === "charge_power_max") this.#controller.chargeMaxW = Number(value);
        else return { done: false, message: `There is no parameter ${name}.` };
        return { done: true };
      }
      case "RESTART":
        this.#startsInS = restartS;
        return { done: true };
    }
  }

  /** One message's sections, with the digits that such devices send. */
  telemetry(): Sample {
    const { battery } = this;
    const { solarW, batteryW, acW } = this.#inverter.flow;
    return {
      system_status: {
        state: this.#controller.state,
        mode: this.#controller.mode,
        error_flags: [...this.#faults.active],
        wifi_strength: Math.round(this.#wifiMeanDbm + this.#wifi.value),
        target_mode: this.#controller.targetMode,
        target_power: this.#controller.targetPowerW,
      },
      battery: {
        voltage: rounded(battery.voltageV, 100),
        current: rounded(battery.currentA, 100),
        power: rounded(batteryW, 10),
        soc: rounded(100 * battery.soc, 100),
        temperature: rounded(battery.temperatureC, 10),
      },
      grid: {
        voltage: rounded(this.#grid.voltageV, 10),
        power: rounded(this.#gridW, 10),
        frequency: rounded(this.#grid.frequencyHz, 1_000),
      },
      solar: { power: rounded(solarW, 10) },
      load: { power: rounded(this.#loadW, 10) },
      inverter: { power: rounded(acW, 10) },
      parameters: {
        reserve_soc: rounded(100 * this.#controller.reserve, 100),
        charge_power_max: this.#controller.chargeMaxW,
      },
      weather: { temperature: rounded(this.#airC, 10), cloud_cover: rounded(100 * this.#cloudCover, 1) },
    };
  }
}

function announcementOf(chargeMaxW: number, dischargeMaxW: number): Capabilities {
  return {
    commands: {
      SET_MODE: {
        target_modes: [...targetModes],
        target_power: {
          MANUAL_CHARGE: { minimum: 0, maximum: chargeMaxW },
          MANUAL_DISCHARGE: { minimum: 0, maximum: dischargeMaxW },
        },
        leases: true,
      },
      RESET_ERROR: {},
      RESTART: {},
    },
    parameters: [
      { name: "reserve_soc", type: "number", label: "Reserve", unit: "%", minimum: 100 * reserveSoc, maximum: 50 },
      {
        name: "charge_power_max",
        type: "number",
        label: "Charging at most",
        unit: "W",
        minimum: 0,
        maximum: chargeMaxW,
      },
    ],
  };
}

/** The cellar or garage in which the battery stands follows the air outside by a third. */
function roomC(airC: number): number {
  return 16 + 0.35 * (airC - 16);
}

function rounded(value: number, scale: number): number {
  // The sum turns −0 into 0.
  return Math.round(value * scale) / scale + 0;
}
