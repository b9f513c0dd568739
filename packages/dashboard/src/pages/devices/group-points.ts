import { points as catalogue } from "@wattboard/protocol";
import { own } from "../../ui/own.ts";

export interface PointGroup {
  readonly section: string;
  readonly title: string;
  /** Full names, `section.field`. */
  readonly names: readonly string[];
}

const titles: Readonly<Record<string, string>> = {
  battery: "Battery",
  grid: "Grid",
  solar: "Solar",
  load: "Load",
  inverter: "Inverter",
  system_status: "System",
};
/** The sections of the contract, energy first. */
const sectionOrder: readonly string[] = Object.keys(titles);
const catalogueOrder = new Map<string, number>(catalogue.map(({ name }, at) => [name, at]));

/** The points a device has, by section: those of the contract in its order, then the device's own by name. */
export function groupPoints(points: ReadonlyMap<string, unknown>): PointGroup[] {
  const bySection = new Map<string, string[]>();
  for (const name of points.keys()) {
    const section = name.split(".", 1)[0] as string;
    const names = bySection.get(section);
    if (names === undefined) bySection.set(section, [name]);
    else names.push(name);
  }
  const rankOf = (section: string) => {
    const rank = sectionOrder.indexOf(section);
    return rank === -1 ? sectionOrder.length : rank;
  };
  const placeOf = (name: string) => catalogueOrder.get(name) ?? Number.MAX_SAFE_INTEGER;
  return [...bySection]
    .map(([section, names]) => ({
      section,
      title: own(titles, section) ?? section,
      names: names.sort((left, right) => placeOf(left) - placeOf(right) || left.localeCompare(right)),
    }))
    .sort((left, right) => rankOf(left.section) - rankOf(right.section) || left.section.localeCompare(right.section));
}
