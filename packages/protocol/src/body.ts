import Type from "typebox";
import type { Telemetry } from "./telemetry.ts";

/** The type of a body, from its schema: what was answered is not changed. */
export type ReadonlyBody<Body> = Body extends Telemetry
  ? Body
  : Body extends (infer Item)[]
    ? readonly ReadonlyBody<Item>[]
    : Body extends object
      ? { readonly [Key in keyof Body]: ReadonlyBody<Body[Key]> }
      : Body;

/** A body of the API, or a part of one that has a name of its own: its `title` is its name in the OpenAPI document. */
export function body<Properties extends Type.TProperties>(title: string, description: string, properties: Properties) {
  return Type.Object(properties, { title, description, additionalProperties: false });
}

export const time = (description: string) =>
  Type.String({ format: "date-time", description, examples: ["2026-01-31T12:00:00.000Z"] });
export const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
export const deviceId = Type.String({ description: "The device's id", examples: ["ems_001"] });
export const nextCursor = orNull(
  Type.String({ description: "Give it as `cursor` for the next page; null where this is the last one" }),
);
