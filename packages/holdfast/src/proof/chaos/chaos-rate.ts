import { InvalidArgumentError } from "../../errors/base.ts";

const unitMs: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000, day: 86_400_000 };

/** How many a millisecond are `2/min`, `0.05/h`, `1/day`, `0.5/s`; 0 is none. @throws InvalidArgumentError */
export function readRate(name: string, value: unknown): number {
  const [, count = "", unit = ""] =
    typeof value === "string" ? (/^(\d+(?:\.\d+)?)\/(s|min|h|day)$/.exec(value) ?? []) : [];
  const perMs = value === 0 || value === "0" ? 0 : Number(count) / (unitMs[unit] ?? 0);
  // Written so that NaN and infinity are refused, too; more than ten a second would be no accidents any more.
  if (count !== "" || perMs === 0) if (perMs <= 0.01) return perMs;
  throw new InvalidArgumentError(name, "must be a rate of at most 10/s, like 2/min, 0.05/h or 1/day", value);
}
