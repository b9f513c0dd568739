/** Turns a text such as `7/sim_0001/weather` into 32 well-mixed bits (FNV-1a, then MurmurHash3's finalizer). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash);
}

/** A number in [0, 1) that belongs to `index`: randomness that needs no memory and no order. */
export function hashUnit(seed: number, index: number): number {
  return (mix(seed ^ Math.imul(index | 0, 0x9e3779b1)) >>> 0) / 4_294_967_296;
}

function mix(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/**
 * A seeded stream of random numbers: sfc32, whose 128 bits of state keep the streams of a large fleet from meeting.
 * Each part of a plant has its own stream, so that a command to the battery does not change the weather.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(name: string) {
    this.#a = hashText(`${name}/a`);
    this.#b = hashText(`${name}/b`);
    this.#c = hashText(`${name}/c`);
    for (let warmUp = 0; warmUp < 12; warmUp++) this.uniform();
  }

  /** In [0, 1). */
  uniform(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  }

  /** In [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Mean 0, deviation 1 (Box–Muller; the second value is dropped, which keeps the stream free of memory). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Whether an event that comes `perS` times a second on average comes within `dtS` seconds. */
  happens(perS: number, dtS: number): boolean {
    return this.uniform() < -Math.expm1(-perS * dtS);
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[Math.floor(this.uniform() * items.length)] ?? items[0];
  }
}
