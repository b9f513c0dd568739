import { formatNumber, scaleQuantity } from "../../ui/format-number.ts";

/** Three to five round marks of a scale, from 0 up to one that is no less than `greatest`: steps of 1, 2 or 5 times a power of ten. */
export function scaleTicks(greatest: number): number[] {
  const power = 10 ** Math.floor(Math.log10(greatest / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each * 4 >= greatest) ?? greatest;
  const count = Math.max(2, Math.ceil(greatest / step));
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

/** A mark of a scale of energies, Wh, without zeros at its end: of a scale up to some watt-hours half ones are marks of their own. */
export function energyMark(wh: number): string {
  if (wh === 0) return "0";
  const { value, unit } = wh < 10 ? { value: formatNumber(wh, 1), unit: "Wh" } : scaleQuantity(wh, "Wh");
  let end = value.length;
  if (/[.,]/.test(value)) while (value[end - 1] === "0") end--;
  return `${value.slice(0, end).replace(/[.,]$/, "")} ${unit}`;
}
