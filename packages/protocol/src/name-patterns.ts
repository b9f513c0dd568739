/**
 * Of a section, a field or a parameter: at most `limits.nameLengthMax` letters, digits and underscores, first a letter. No `__proto__`,
 * nothing that a URL, a CSV or SQL would have to quote.
 */
export const namePattern = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Of a point: a field of a section (`battery.soc`), or what stands outside of any. */
export const pointNamePattern = /^[A-Za-z][A-Za-z0-9_]{0,63}(\.[A-Za-z][A-Za-z0-9_]{0,63})?$/;

/** Of a command: the idempotency key. */
export const commandIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** Of a device's property. */
export const propertyKeyPattern = /^[a-z][a-z0-9_]{0,63}$/;
