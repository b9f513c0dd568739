import { expect, it } from "vitest";
import { fieldsOfFleet, fleetField, toldValues } from "./fleet-field.ts";
import { onlineRow } from "./fleet-row.fixture.ts";

const rows = [
  onlineRow({
    id: "0001",
    properties: { country: "AT" },
    others: { "smart_os.local_time": "12:00", "grid.voltage": 230.1 },
  }),
  onlineRow({ id: "0002", properties: { country: "DE", color: "red" } }),
];

it("lists what every device has, and whatever any of them has told", () => {
  const names = fieldsOfFleet(rows).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "id",
      "age",
      "battery.soc",
      "inverter.power",
      "grid.voltage",
      "smart_os.local_time",
      "properties.color",
    ]),
  );
  expect(new Set(names).size).toBe(names.length);
});

it("names what nobody has described after itself", () => {
  expect(fleetField("smart_os.local_time")).toMatchObject({ label: "Local time", unit: "", group: "Measured" });
  expect(fleetField("properties.software_version")).toMatchObject({ label: "Software", group: "Properties" });
  expect(fleetField("properties.capacity_wh")).toMatchObject({ label: "Capacity", unit: "Wh", kind: "number" });
  expect(fleetField("grid.voltage")).toMatchObject({ label: "Grid voltage", unit: "V", kind: "number" });
});

it("offers texts that were told, and no numbers", () => {
  expect(toldValues(rows, "properties.country")).toEqual(["AT", "DE"]);
  expect(toldValues(rows, "grid.voltage")).toEqual([]);
});
