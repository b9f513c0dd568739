/** What people call a device, a token or a link: bounded, since it stands in every list. */
const nameLengthMax = 120;

/** What is wrong with a name, in words; null if it can be used. */
export function describeNameFault(name: string | undefined): string | null {
  if (name === undefined || (name.trim() !== "" && name.length <= nameLengthMax)) return null;
  return `A name has 1 to ${nameLengthMax} characters.`;
}
