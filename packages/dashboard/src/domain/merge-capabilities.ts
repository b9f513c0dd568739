import { type Capabilities, type Parameter, targetModes } from "@wattboard/protocol";

type SetModeCapability = NonNullable<Capabilities["commands"]["SET_MODE"]>;
type PowerBounds = NonNullable<NonNullable<SetModeCapability["target_power"]>["MANUAL_CHARGE"]>;

/** What every device can be told: it is offered where one has said nothing. */
export const plainCapabilities: Capabilities = { commands: { SET_MODE: {}, RESET_ERROR: {} } };

/** What at least one of several devices can be told, in its widest range; null for a device that has not said. */
export function mergeCapabilities(announced: readonly (Capabilities | null)[]): Capabilities {
  const known = announced.map((each) => each ?? plainCapabilities);
  const modes = known.flatMap(({ commands }) => commands.SET_MODE ?? []);
  const parameters = Map.groupBy(
    known.flatMap((each) => each.parameters ?? []),
    ({ name }) => name,
  );
  return {
    commands: {
      ...(modes.length > 0 && { SET_MODE: mergeModes(modes) }),
      ...(known.some(({ commands }) => commands.RESET_ERROR !== undefined) && { RESET_ERROR: {} }),
      ...(known.some(({ commands }) => commands.RESTART !== undefined) && { RESTART: {} }),
    },
    parameters: [...parameters.values()].map(mergeParameter),
  };
}

function mergeModes(modes: readonly SetModeCapability[]): SetModeCapability {
  const offered = new Set(modes.flatMap(({ target_modes }) => target_modes ?? targetModes));
  const range = (mode: "MANUAL_CHARGE" | "MANUAL_DISCHARGE"): PowerBounds =>
    widest(modes.map(({ target_power }) => target_power?.[mode] ?? {}));
  return {
    target_modes: targetModes.filter((mode) => offered.has(mode)),
    target_power: { MANUAL_CHARGE: range("MANUAL_CHARGE"), MANUAL_DISCHARGE: range("MANUAL_DISCHARGE") },
    leases: modes.some(({ leases }) => leases === true),
  };
}

/** A parameter is as the first device has it, with every choice that any of them has. */
function mergeParameter(same: readonly Parameter[]): Parameter {
  const { minimum: _, maximum: __, choices: ___, ...first } = same[0] as Parameter;
  const choices = [...new Set(same.flatMap((each) => each.choices ?? []))];
  return { ...first, ...widest(same), ...(same.every((each) => each.choices !== undefined) && { choices }) };
}

/** An end that one of them does not have is none. */
function widest(ranges: readonly PowerBounds[]): PowerBounds {
  const minima = ranges.flatMap(({ minimum }) => minimum ?? []);
  const maxima = ranges.flatMap(({ maximum }) => maximum ?? []);
  return {
    ...(minima.length === ranges.length && { minimum: Math.min(...minima) }),
    ...(maxima.length === ranges.length && { maximum: Math.max(...maxima) }),
  };
}
