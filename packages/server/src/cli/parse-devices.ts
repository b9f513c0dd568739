/** `a,b` as a list, `none` as an empty one, `all` as null: all there are. */
export function parseDevices(text: string): readonly string[] | null {
  if (text === "all") return null;
  if (text === "none") return [];
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
