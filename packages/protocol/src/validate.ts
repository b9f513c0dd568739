import Type from "typebox";
import { Compile } from "typebox/compile";
import {
  type Command,
  type CommandAction,
  commandSchema,
  resetErrorSchema,
  restartSchema,
  setModeSchema,
  setParameterSchema,
} from "./command.ts";
import { commandActionNames } from "./command-actions.ts";
import {
  type NewCommandBody,
  type NewFleetCommandBody,
  newCommandSchema,
  newFleetCommandSchema,
} from "./command-api.ts";
import { targetModes } from "./states.ts";
import { type DeviceFrame, deviceFrameSchema } from "./subprotocol.ts";
import { type Telemetry, telemetrySchema } from "./telemetry.ts";

/** Why a value does not fit its schema: where (`battery.soc`), and what is expected there. */
export interface Mismatch {
  readonly path: string;
  readonly message: string;
}

interface Validator<T> {
  /** Whether `value` fits; some 60 ns for a telemetry message (`npm run bench -- validators`). */
  check(value: unknown): value is T;
  /** The first place where `value` does not fit, in words. Slow; ask only after `check` said no. */
  explain(value: unknown): Mismatch;
}

interface Compiled {
  Check(value: unknown): boolean;
  Errors(value: unknown): { instancePath: string; message: string; schemaPath: string; params: object }[];
}

function validator<T>(compiled: Compiled): Validator<T> {
  return {
    check: (value): value is T => compiled.Check(value),
    explain(value) {
      const errors = compiled.Errors(value);
      // A union reports each branch and itself; the deepest first branch says most.
      const error = errors.find((each) => !/anyOf$/.test(each.schemaPath)) ?? errors[0];
      const path = (error?.instancePath ?? "").slice(1).replaceAll("/", ".");
      const { allowedValues } = (error?.params ?? {}) as { readonly allowedValues?: readonly unknown[] };
      if (allowedValues !== undefined) return { path, message: `must be one of ${allowedValues.join(", ")}` };
      return { path, message: error?.message ?? "does not fit the schema" };
    },
  };
}

export const telemetryValidator: Validator<Telemetry> = validator(Compile(telemetrySchema));
export const commandValidator: Validator<Command> = validator(Compile(commandSchema));
export const deviceFrameValidator: Validator<DeviceFrame> = validator(Compile(deviceFrameSchema));

const newCommandValidator: Validator<NewCommandBody> = validator(Compile(newCommandSchema));
const newFleetCommandValidator: Validator<NewFleetCommandBody> = validator(Compile(newFleetCommandSchema));

/** What is wrong with the body that gives a command, in words; null where it is a `NewCommandBody`. */
export function describeNewCommandFault(body: unknown): string | null {
  return describeFault(body, newCommandValidator);
}

/** What is wrong with the body that begins a fleet command, in words; null where it is a `NewFleetCommandBody`. */
export function describeNewFleetCommandFault(body: unknown): string | null {
  return describeFault(body, newFleetCommandValidator);
}

// A misspelt field would else be dropped in silence, and the command be another one.
const payloadValidators = Object.fromEntries(
  [setModeSchema, resetErrorSchema, setParameterSchema, restartSchema].map(({ properties }) => [
    properties.action.const,
    validator(Compile(Type.Object(properties.payload.properties, { additionalProperties: false }))),
  ]),
) as Readonly<Record<CommandAction, Validator<object>>>;

function describeFault(body: unknown, envelope: Validator<NewCommandBody | NewFleetCommandBody>): string | null {
  if (!envelope.check(body)) {
    const action = typeof body === "object" && body !== null && "action" in body ? body.action : undefined;
    if (action !== undefined && !commandActionNames.some((each) => each === action)) {
      return `action must be one of ${commandActionNames.join(", ")}.`;
    }
    return inWords(envelope.explain(body), "The body");
  }
  const { action, payload } = body;
  const payloadValidator = payloadValidators[action];
  if (payloadValidator.check(payload)) return null;
  const { target_mode: mode } = payload as { target_mode?: unknown };
  if (action === "SET_MODE" && mode !== undefined && !targetModes.some((each) => each === mode)) {
    return `payload.target_mode must be one of ${targetModes.join(", ")}.`;
  }
  const { path, message } = payloadValidator.explain(payload);
  return inWords({ path: path === "" ? "payload" : `payload.${path}`, message }, "payload");
}

function inWords({ path, message }: Mismatch, whole: string): string {
  // What TypeBox says of a field that is not in the schema.
  if (message === "schema is false") return `${path} is not known here.`;
  return `${path === "" ? whole : path} ${message}.`;
}
