import type { Clock, Timer } from "holdfast/runtime";
import type { CertificateFact } from "holdfast/telemetry";

/** Until when a certificate is valid that a node goes by; of several in a file, all of them. */
export interface CertificateLife {
  readonly certificate: CertificateFact["certificate"];
  /** The file, and the option that names it. */
  readonly source: { readonly option: string; readonly file: string };
  /** Milliseconds since 1970. */
  readonly validUntil: number;
}

export interface CertificateExpiryOptions {
  readonly clock: Clock;
  readonly lives: () => readonly CertificateLife[];
  readonly publish: (fact: CertificateFact) => void;
  readonly say: (line: string) => void;
}

/** Tells in time that a node's certificates will not be valid any more. */
export interface CertificateExpiry {
  /** What wants somebody's attention; undefined as long as all certificates are valid for a week. */
  readonly degraded: string | undefined;
  /** Looks now: the node has taken other certificates. */
  look(): void;
  close(): void;
}

const dayMs = 86_400_000;
/** With so much left, somebody is told, once each; the last time that it is over. */
const warnedDays = [30, 7, 1, 0] as const;
const degradedDays = 7;
/** The wall clock may jump, so that no timer can be set for a date. */
const lookEveryMs = 3_600_000;

/** Looks at once, then every hour. */
export function certificateExpiry(options: CertificateExpiryOptions): CertificateExpiry {
  const { clock, lives, publish, say } = options;
  const told = new Map<string, { readonly validUntil: number; readonly days: number }>();
  const leftOf = ({ validUntil }: CertificateLife): number => validUntil - clock.wallTime();
  let timer: Timer | undefined;

  function look(): void {
    for (const life of lives()) {
      const { certificate, validUntil } = life;
      const before = told.get(certificate);
      const leftMs = leftOf(life);
      const days = warnedDays.findLast((limit) => leftMs <= limit * dayMs) ?? Infinity;
      const isOther = before !== undefined && before.validUntil !== validUntil;
      told.set(certificate, { validUntil, days: isOther ? days : Math.min(days, before?.days ?? Infinity) });
      if (isOther) publish({ type: "certificateRenewed", certificate, validUntil });
      if (days === Infinity || (!isOther && days >= (before?.days ?? Infinity))) continue;
      publish({ type: "certificateExpiring", certificate, validUntil, daysLeft: wholeDays(leftMs) });
      say(`${inWords(life, leftMs)}, ${leftMs > 0 ? "until" : "since"} ${new Date(validUntil).toISOString()}`);
    }
  }

  function watch(): void {
    look();
    timer = clock.setTimer(lookEveryMs, watch);
  }

  watch();
  return {
    get degraded() {
      const soon = lives().filter((life) => leftOf(life) <= degradedDays * dayMs);
      return soon.length === 0 ? undefined : soon.map((life) => inWords(life, leftOf(life))).join("; ");
    },
    look,
    close: () => timer?.cancel(),
  };
}

const wholeDays = (leftMs: number): number => Math.max(0, Math.floor(leftMs / dayMs));

function inWords({ source: { option, file } }: CertificateLife, leftMs: number): string {
  if (leftMs <= 0) return `${option}: ${file} is not valid any more`;
  const days = wholeDays(leftMs);
  const left = days === 0 ? "less than a day" : days === 1 ? "a day" : `${days} days`;
  return `${option}: ${file} is valid for ${left} more`;
}
