/** Bytes of a page of an answer, about; the rest is on the next ones. */
export const pageBytes = 1024 * 1024;
