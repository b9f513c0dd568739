/** Columns of some rows on their way to the thread that encodes them: typed arrays, which change hands without a copy. */
export interface RowGroup {
  readonly rows: number;
  readonly columns: readonly ColumnValues[];
  readonly buffers: readonly ArrayBuffer[];
}

export type ColumnValues =
  /** `present` is 0 where there is no value. */
  | { readonly numbers: Float64Array; readonly present: Uint8Array }
  /** `places` are those of `texts`, from 1; 0 where there is no value. */
  | { readonly places: Uint32Array; readonly texts: readonly string[] };

export class NumberBuffer {
  readonly #numbers: Float64Array<ArrayBuffer>;
  readonly #present: Uint8Array<ArrayBuffer>;

  constructor(rowsMax: number) {
    this.#numbers = new Float64Array(rowsMax);
    this.#present = new Uint8Array(rowsMax);
  }

  set(row: number, value: number): void {
    this.#numbers[row] = value;
    this.#present[row] = 1;
  }

  get column(): ColumnValues {
    return { numbers: this.#numbers, present: this.#present };
  }

  get transferable(): ArrayBuffer[] {
    return [this.#numbers.buffer, this.#present.buffer];
  }
}

export class TextBuffer {
  readonly #places: Uint32Array<ArrayBuffer>;
  readonly #texts = new Map<string, number>();

  constructor(rowsMax: number) {
    this.#places = new Uint32Array(rowsMax);
  }

  set(row: number, text: string): void {
    let place = this.#texts.get(text);
    if (place === undefined) {
      place = this.#texts.size + 1;
      this.#texts.set(text, place);
    }
    this.#places[row] = place;
  }

  get column(): ColumnValues {
    return { places: this.#places, texts: [...this.#texts.keys()] };
  }

  get transferable(): ArrayBuffer[] {
    return [this.#places.buffer];
  }
}
