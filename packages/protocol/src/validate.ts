import { Compile } from "typebox/compile";
import { type Command, commandSchema } from "./command.ts";
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
  Errors(value: unknown): { instancePath: string; message: string; schemaPath: string }[];
}

function validator<T>(compiled: Compiled): Validator<T> {
  return {
    check: (value): value is T => compiled.Check(value),
    explain(value) {
      const errors = compiled.Errors(value);
      // A union reports each branch and itself; the deepest first branch says most.
      const error = errors.find((each) => !/anyOf$/.test(each.schemaPath)) ?? errors[0];
      const path = (error?.instancePath ?? "").slice(1).replaceAll("/", ".");
      return { path, message: error?.message ?? "does not fit the schema" };
    },
  };
}

export const telemetryValidator: Validator<Telemetry> = validator(Compile(telemetrySchema));
export const commandValidator: Validator<Command> = validator(Compile(commandSchema));
