import type { DevicesBody } from "@wattboard/protocol";
import { useMemo } from "react";
import { usePolled } from "../api/use-polled.ts";
import { apiPaths } from "../paths.ts";
import { Field, inputLook, Labelled } from "../ui/field.tsx";
import { countries } from "./countries.ts";
import { formatOthers, type KnownProperty } from "./registration-fields.ts";
import styles from "./registration-inputs.module.css";

interface RegistrationInputsProps {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** As the server reads a power. */
const powerRules = {
  pattern: "[0-9]{1,9}(\\.[0-9]{1,6})? ?[kKmM]?[wW]?",
  title: "A power such as 5000, 5 kW or 1.2 MW",
};
const wholeRules = { pattern: "[0-9]{1,9}", inputMode: "numeric", title: "A whole number" } as const;
const ratings: readonly (readonly [name: KnownProperty, label: string])[] = [
  ["rated_power", "Device"],
  ["rated_battery_power", "Battery"],
  ["rated_solar_power", "Solar"],
  ["rated_grid_power", "House connection"],
  ["rated_load_power", "House"],
];

const ratedNames: readonly KnownProperty[] = [...ratings.map(([name]) => name), "capacity_wh", "peak_w"];

/** What is known of a device beside its id: what people call it, where it stands, what it belongs to, how large it is. */
export function RegistrationInputs({ name, properties }: RegistrationInputsProps) {
  const zones = useMemo(() => zonesWith(properties.time_zone), [properties.time_zone]);
  const all = useMemo(countries, []);
  const known = useKnownValues();
  const isOddCountry = properties.country !== undefined && !all.some(([code]) => code === properties.country);
  const field = inputOf(properties);
  return (
    <>
      <Field
        label="Name"
        name="name"
        defaultValue={name}
        maxLength={120}
        autoComplete="off"
        note="What people call it."
      />
      <div className={styles.pair}>
        <Labelled label="Country">
          <select className={inputLook} name="country" defaultValue={properties.country ?? ""}>
            <option value="">not said</option>
            {isOddCountry && <option value={properties.country}>{properties.country}</option>}
            {all.map(([code, label]) => (
              <option key={code} value={code}>
                {label}
              </option>
            ))}
          </select>
        </Labelled>
        <Labelled label="Time zone" note="Its days begin there.">
          <select className={inputLook} name="time_zone" defaultValue={properties.time_zone ?? ""}>
            <option value="">that of the server</option>
            {zones.map((zone) => (
              <option key={zone} value={zone}>
                {zone.replaceAll("_", " ")}
              </option>
            ))}
          </select>
        </Labelled>
      </div>
      <div className={styles.pair}>
        <Field label="Place" {...field("place")} list="known-places" autoComplete="off" />
        <Field label="Postcode" {...field("postcode")} autoComplete="off" />
      </div>
      <div className={styles.pair}>
        <Field
          label="Site"
          {...field("site")}
          list="known-sites"
          autoComplete="off"
          note="Devices that belong together."
        />
        <Field label="Tags" {...field("tags")} autoComplete="off" note="With commas between them." />
      </div>
      <datalist id="known-places">{options(known.places)}</datalist>
      <datalist id="known-sites">{options(known.sites)}</datalist>
      <Rating properties={properties} />
      <Labelled label="Other properties" note="A line each: name=value. Names are of a–z, digits and _.">
        <textarea
          className={styles.lines}
          name="others"
          rows={3}
          spellCheck={false}
          defaultValue={formatOthers(properties)}
          placeholder="owner_phone=+43 …"
        />
      </Labelled>
    </>
  );
}

/** How large the device is, which bounds what its values may be. */
function Rating({ properties }: Pick<RegistrationInputsProps, "properties">) {
  const isRated = ratedNames.some((property) => properties[property] !== undefined);
  const field = inputOf(properties);
  return (
    <details className={styles.group} open={isRated}>
      <summary>Rating</summary>
      <p className="fine">
        A power of more than twice the rated one is no measurement, and left out of what is stored.
      </p>
      <div className={styles.ratings}>
        {ratings.map(([property, label]) => (
          <Field key={property} label={label} {...field(property)} {...powerRules} placeholder="5 kW" />
        ))}
        <Field label="Capacity, Wh" {...field("capacity_wh")} {...wholeRules} placeholder="5120" />
        <Field label="Panels, W" {...field("peak_w")} {...wholeRules} placeholder="6400" />
      </div>
    </details>
  );
}

/** What each input of a property has. */
function inputOf(properties: Readonly<Record<string, string>>) {
  return (name: KnownProperty) => ({ name, defaultValue: properties[name] ?? "", maxLength: 1_000 });
}

/** The zones that the browser knows, and the one that is set already. */
function zonesWith(present: string | undefined): readonly string[] {
  const zones = Intl.supportedValuesOf("timeZone");
  return present === undefined || zones.includes(present) ? zones : [present, ...zones];
}

/** Places and sites of other devices, to choose from. */
function useKnownValues() {
  const { body } = usePolled<DevicesBody>(apiPaths.deviceList({ limit: 1_000 }), { everyMs: 120_000 });
  return useMemo(() => {
    const valuesOf = (property: string) =>
      [...new Set(body?.devices.map(({ properties }) => properties[property] ?? ""))].filter(Boolean).sort();
    return { places: valuesOf("place"), sites: valuesOf("site") };
  }, [body]);
}

function options(values: readonly string[]) {
  return values.map((value) => <option key={value} value={value} />);
}
