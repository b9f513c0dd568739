/** What the error flags that Wattboard knows by name mean, for people. A device may raise others: those are shown as it writes them. */
export const errorFlagWords: Readonly<Record<string, string>> = {
  OVERHEAT:
    "The battery is too hot. It stops by itself until it has cooled down; check ventilation, and contacts where it comes back.",
  OVERTEMPERATURE: "The device is too hot. Check ventilation, and the sun on it.",
  UNDERTEMPERATURE: "The battery is too cold to be charged.",
  GRID_OVERVOLTAGE:
    "The grid's voltage is too high. It usually passes by itself; where it comes back, tell the grid operator.",
  GRID_UNDERVOLTAGE: "The grid's voltage is too low.",
  GRID_FREQUENCY: "The grid's frequency is out of its bounds.",
  GRID_LOST: "There is no grid: a fuse, a breaker or the supply.",
  BMS_COMMUNICATION: "The battery's management system does not answer. Check its cable; then reset the error.",
  BATTERY_OVERVOLTAGE: "The battery's voltage is too high.",
  BATTERY_UNDERVOLTAGE: "The battery's voltage is too low: it may have been empty for long.",
  CELL_IMBALANCE: "The battery's cells differ too much from one another.",
  OVERCURRENT: "The current was too high.",
  ISOLATION_FAULT: "The insulation is damaged. Touch nothing, and have an electrician look at it.",
  GROUND_FAULT: "Current flows to earth. Touch nothing, and have an electrician look at it.",
  ARC_FAULT: "An electric arc was found. Touch nothing, and have an electrician look at it.",
  FAN_FAILURE: "A fan does not turn.",
  INVERTER_FAULT: "The inverter reports a fault.",
  METER_COMMUNICATION: "The meter does not answer. Check its cable.",
};

/** In words, or as the device writes it where nobody has described it. */
export function describeErrorFlag(flag: string): string {
  return Object.hasOwn(errorFlagWords, flag) ? (errorFlagWords[flag] as string) : flag;
}
