/** Three to five round marks of a scale, from 0 up to one that is no less than `greatest`: steps of 1, 2 or 5 times a power of ten. */
export function scaleTicks(greatest: number): number[] {
  const power = 10 ** Math.floor(Math.log10(greatest / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each * 4 >= greatest) ?? greatest;
  const count = Math.max(2, Math.ceil(greatest / step));
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}
