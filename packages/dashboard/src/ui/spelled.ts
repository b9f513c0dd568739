/** `smart_os.local_time` reads "Local time". */
export function spelled(name: string): string {
  const words = name.slice(name.lastIndexOf(".") + 1).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
