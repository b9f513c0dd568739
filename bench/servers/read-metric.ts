/** The lines of one metric of `/metrics`: the value of its first label, if it has one, and the number. */
export function readMetric(metrics: string, name: string): { readonly label: string; readonly value: number }[] {
  const lines = metrics.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.map((line) => ({
    label: line.split('"')[1] ?? "",
    value: Number(line.slice(line.lastIndexOf(" ") + 1)),
  }));
}
