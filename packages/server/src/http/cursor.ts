import type Type from "typebox";
import { Compile } from "typebox/compile";

/** Where the next page begins, as a text that says nothing to whoever carries it. Not secret and not signed: a page is judged like any other request. */
export function writeCursor(place: object): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** What {@link writeCursor} was given, or null where the text is nothing of the kind. */
export function cursorReader<Schema extends Type.TSchema>(
  schema: Schema,
): (cursor: string) => Type.Static<Schema> | null {
  const compiled = Compile(schema);
  return (cursor) => {
    try {
      const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
      return compiled.Check(place) ? (place as Type.Static<Schema>) : null;
    } catch {
      return null;
    }
  };
}
