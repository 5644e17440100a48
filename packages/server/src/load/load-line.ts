import type { PayloadSize, RateStage } from "holdfast/proof";

const mostPerSecond = 1_000_000;
const mostBytes = 1_048_576;

/**
 * Rates as a person writes them: `1000` all the time, `100..2000` rising evenly, `100,500,2000` one after the other, each
 * for an equal part of the time; a part may rise, too.
 *
 * @returns undefined when it is none of these
 */
export function readRate(text: string, durationMs: number): number | readonly RateStage[] | undefined {
  const parts = text.split(",");
  const forMs = durationMs / parts.length;
  const stages: RateStage[] = [];
  for (const part of parts) {
    const [, from, to] = /^\s*(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?\s*$/.exec(part) ?? [];
    if (from === undefined) return undefined;
    stages.push(
      to === undefined
        ? { ratePerSecond: Number(from), forMs }
        : { fromPerSecond: Number(from), toPerSecond: Number(to), forMs },
    );
  }
  const rates = stages.flatMap((stage) =>
    "ratePerSecond" in stage ? [stage.ratePerSecond] : [stage.fromPerSecond, stage.toPerSecond],
  );
  const most = Math.max(...rates);
  if (!(most > 0 && most <= mostPerSecond)) return undefined;
  const [only] = stages;
  return stages.length === 1 && only !== undefined && "ratePerSecond" in only ? only.ratePerSecond : stages;
}

/** `1000`, or `100..1000` for sizes drawn evenly between; at most 1 MiB. Undefined when it is neither. */
export function readValueBytes(text: string): PayloadSize | undefined {
  const [, least, most] = /^(\d{1,7})(?:\.\.(\d{1,7}))?$/.exec(text) ?? [];
  if (least === undefined) return undefined;
  const [minBytes, maxBytes] = [Number(least), Number(most ?? least)];
  if (minBytes > maxBytes || maxBytes > mostBytes) return undefined;
  return most === undefined ? { type: "constant", bytes: minBytes } : { type: "uniform", minBytes, maxBytes };
}
