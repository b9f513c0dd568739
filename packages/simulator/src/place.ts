/** The grid that a house is connected to. */
export interface GridSpec {
  readonly nominalV: number;
  readonly nominalHz: number;
  /** The synchronous area: everyone in it sees the same frequency. */
  readonly area: string;
  /** Standard deviation of the frequency. */
  readonly deviationHz: number;
}

/** Monthly means; the months between follow a cosine. */
interface Climate {
  readonly januaryC: number;
  readonly julyC: number;
  /** Mean cloud cover, 0 to 1. */
  readonly januaryCover: number;
  readonly julyCover: number;
}

/** A real place on earth. */
export interface Place {
  readonly name: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  /** IANA name. */
  readonly timeZone: string;
  readonly climate: Climate;
  readonly grid: GridSpec;
}
