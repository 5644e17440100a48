import { checkInteger, checkNumber, checkOneOf, checkOptionNames } from "../../errors/base.ts";
import type { Random } from "../../runtime/index.ts";

/**
 * How large values are. `lognormal` is what sizes mostly are in practice: half of them at most `medianBytes`, few very
 * large ones, none above `maxBytes`; `sigma` is the deviation of the logarithm, default 1.
 */
export type PayloadSize =
  | { readonly type: "constant"; readonly bytes: number }
  | { readonly type: "uniform"; readonly minBytes: number; readonly maxBytes: number }
  | { readonly type: "lognormal"; readonly medianBytes: number; readonly sigma?: number; readonly maxBytes: number };

/** Values of drawn sizes. */
export interface PayloadSource {
  /** Bytes that do not compress. They are shared with later values: not to be changed. */
  next(): Uint8Array;
}

const mostBytes = 16 * 1024 * 1024;

/** @throws InvalidArgumentError */
export function payloadSource(size: PayloadSize, random: Random): PayloadSource {
  const largest = checkPayloadSize(size);
  const own = random.fork("payloads");
  // Every value is a piece of it, from another place: drawing each byte anew would cost more than most operations.
  const pool = own.bytes(largest + Math.max(4096, largest));
  return {
    next() {
      const length = drawSize(size, own);
      const start = own.integer(0, pool.length - length);
      return pool.subarray(start, start + length);
    },
  };
}

/** @returns the most bytes that a value may have. @throws InvalidArgumentError naming what breaks its rule */
function checkPayloadSize(size: PayloadSize): number {
  checkOneOf("payload.type", (size as PayloadSize | undefined)?.type, ["constant", "uniform", "lognormal"]);
  switch (size.type) {
    case "constant":
      checkOptionNames("payload", size, ["type", "bytes"]);
      return checkInteger("payload.bytes", size.bytes, 0, mostBytes);
    case "uniform":
      checkOptionNames("payload", size, ["type", "minBytes", "maxBytes"]);
      checkInteger("payload.minBytes", size.minBytes, 0, mostBytes);
      return checkInteger("payload.maxBytes", size.maxBytes, size.minBytes, mostBytes);
    default:
      checkOptionNames("payload", size, ["type", "medianBytes", "sigma", "maxBytes"]);
      checkNumber("payload.medianBytes", size.medianBytes, 1, mostBytes);
      if (size.sigma !== undefined) checkNumber("payload.sigma", size.sigma, 0, 10);
      return checkInteger("payload.maxBytes", size.maxBytes, Math.ceil(size.medianBytes), mostBytes);
  }
}

function drawSize(size: PayloadSize, random: Random): number {
  if (size.type === "constant") return size.bytes;
  if (size.type === "uniform") return random.integer(size.minBytes, size.maxBytes);
  const drawn = size.medianBytes * Math.exp((size.sigma ?? 1) * normal(random));
  return Math.min(size.maxBytes, Math.max(1, Math.round(drawn)));
}

/** One of a standard normal distribution (G. Box, M. Muller, "A note on the generation of random normal deviates", 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
