const dayMs = 86_400_000;
const pad = (value: number, length: number = 2): string => String(value).padStart(length, "0");

/** About a quarter of a million years: beyond, a clock is broken. */
const mostDays = 100_000_000;

/**
 * `2026-01-01T00:00:00Z` of milliseconds since 1970, by the Gregorian calendar; `withMs` for `…:00.123Z`. A time that is
 * none is 1970.
 */
export function utcText(ms: number, options: { readonly withMs?: boolean } = {}): string {
  if (!(Math.abs(ms) <= mostDays * dayMs)) return utcText(0, options);
  const days = Math.floor(ms / dayMs);
  const left = Math.floor(ms - days * dayMs);
  const rest = Math.floor(left / 1000);
  // Years that begin in March end with the leap day; eras of 400 of them are all alike.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const time = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60].map((part) => pad(part)).join(":");
  const fraction = options.withMs === true ? `.${pad(left % 1000, 3)}` : "";
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}T${time}${fraction}Z`;
}
