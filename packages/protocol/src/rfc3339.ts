/**
 * RFC 3339 date-time to milliseconds since 1970 UTC, or NaN where the text is not one. Allocates nothing; `Date.parse` costs
 * four times as much and takes texts that are no RFC 3339. Fractions finer than a millisecond are cut off; a leap second
 * (`:60`) is the first instant of the next minute.
 */
export function parseRfc3339(text: string): number {
  const length = text.length;
  if (length < 20 || length > 40) return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const separator = text.charCodeAt(10);
  const shaped =
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    (separator === UPPER_T || separator === LOWER_T || separator === SPACE) &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON;
  // A field that is not all digits is −1 and fails its range.
  const inRange =
    year >= 0 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysInMonth(year, month) &&
    hour >= 0 &&
    hour <= 23 &&
    minute >= 0 &&
    minute <= 59 &&
    second >= 0 &&
    second <= 60;
  if (!shaped || !inRange) return Number.NaN;

  let at = 19;
  let ms = 0;
  if (text.charCodeAt(at) === DOT) {
    let scale = 100;
    const first = ++at;
    for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(++at)) {
      ms += (code - ZERO) * scale;
      scale = scale === 100 ? 10 : scale === 10 ? 1 : 0;
    }
    if (at === first) return Number.NaN;
  }

  const zone = text.charCodeAt(at);
  let offsetMinutes = 0;
  if (zone === UPPER_Z || zone === LOWER_Z) {
    if (at + 1 !== length) return Number.NaN;
  } else if (zone === PLUS || zone === DASH) {
    const offsetHour = digits(text, at + 1, 2);
    const offsetMinute = digits(text, at + 4, 2);
    if (at + 6 !== length || text.charCodeAt(at + 3) !== COLON) return Number.NaN;
    if (offsetHour < 0 || offsetHour > 23 || offsetMinute < 0 || offsetMinute > 59) return Number.NaN;
    offsetMinutes = (offsetHour * 60 + offsetMinute) * (zone === PLUS ? 1 : -1);
  } else {
    return Number.NaN;
  }
  return ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute - offsetMinutes) * 60_000 + second * 1_000 + ms;
}

const ZERO = 48;
const NINE = 57;
const DASH = 45;
const PLUS = 43;
const DOT = 46;
const COLON = 58;
const SPACE = 32;
const UPPER_T = 84;
const LOWER_T = 116;
const UPPER_Z = 90;
const LOWER_Z = 122;

function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at++) {
    const code = text.charCodeAt(at);
    if (!(code >= ZERO && code <= NINE)) return -1;
    value = value * 10 + (code - ZERO);
  }
  return value;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap day comes last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
