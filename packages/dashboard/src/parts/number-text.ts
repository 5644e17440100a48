const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit" });

const none = "–";

export function countText(value: number | null): string {
  if (value === null) return none;
  const digits = String(Math.round(value));
  // Hundreds of these are written each time the cluster tells of itself: `Intl` would be most of that.
  return digits.length <= 3 ? digits : digits.replaceAll(/\B(?=(?:\d{3})+$)/g, "\u202F");
}

/** Three digits that matter. */
export function rateText(value: number | null): string {
  if (value === null) return none;
  if (value >= 100) return countText(value);
  return value >= 10 || value === 0 ? String(Math.round(value * 10) / 10) : String(Math.round(value * 100) / 100);
}

export function shareText(ratio: number | null): string {
  if (ratio === null) return none;
  const percent = ratio * 100;
  return `${percent !== 0 && percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

export function durationText(ms: number | null): string {
  if (ms === null) return none;
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return agoText(ms);
}

/** A rough span for people: `12 s`, `4 min`, `3 h 5 min`. */
export function agoText(ms: number | null): string {
  if (ms === null) return none;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export function bytesText(bytes: number | null): string {
  if (bytes === null) return none;
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function clockText(atMs: number): string {
  return Math.abs(atMs) > 8.64e15 ? none : clock.format(atMs);
}

export function dayText(atMs: number): string {
  return Math.abs(atMs) > 8.64e15 ? none : `${day.format(atMs)} ${clock.format(atMs)}`;
}
