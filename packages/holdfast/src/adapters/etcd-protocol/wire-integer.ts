/** A 64-bit integer between wire and model: a safe integer, or two 32-bit halves as protobufjs reads and writes them. */
export type WireInteger = number | WireHalves;

export interface WireHalves {
  readonly low: number;
  readonly high: number;
  /** The decimal digits, where they are already known. */
  readonly text?: string;
}

const two32 = 2 ** 32;

/** Revisions, counts and limits: clamped to the safe integers, which no store ever leaves. */
export function toSafeInteger(value: WireInteger): number {
  if (typeof value === "number") return value;
  const exact = value.high * two32 + (value.low >>> 0);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, exact));
}

/** Lease ids: all 64 bits, signed. */
export function toBigInt(value: WireInteger): bigint {
  if (typeof value === "number") return BigInt(value);
  if (value.high === 0 && value.low === 0) return 0n;
  return (BigInt(value.high) << 32n) | BigInt(value.low >>> 0);
}

/** Ids of clusters and members: all 64 bits, unsigned. */
export function toUnsignedBigInt(value: WireInteger): bigint {
  return BigInt.asUintN(64, toBigInt(value));
}

export function fromBigInt(value: bigint): WireHalves {
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    text: value.toString(),
  };
}
