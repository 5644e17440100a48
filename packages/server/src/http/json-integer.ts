import { fromBigInt, type WireHalves, type WireInteger } from "holdfast/adapters/etcd-protocol";

type IntegerType = "int64" | "uint64";

const bounds: Readonly<Record<IntegerType, readonly [min: bigint, max: bigint]>> = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Reads a 64-bit integer, written as a JSON number or as a string of digits; undefined when it is none or does not fit. */
export function jsonInteger(value: unknown, type: IntegerType): WireInteger | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== "string" || !/^-?\d{1,20}$/.test(value)) return undefined;
  const small = Number(value);
  if (Number.isSafeInteger(small) && (type === "int64" || small >= 0)) return small;
  const exact = BigInt(value);
  const [min, max] = bounds[type];
  return exact < min || exact > max ? undefined : fromBigInt(exact);
}

/** Writes a 64-bit integer as a JSON string; undefined for zero. */
export function integerText(value: WireInteger): string | undefined {
  if (typeof value === "number") return value === 0 ? undefined : `"${value}"`;
  return value.low === 0 && value.high === 0 ? undefined : `"${digits(value)}"`;
}

function digits(value: WireHalves): string {
  return value.text ?? ((BigInt(value.high) << 32n) | BigInt(value.low >>> 0)).toString();
}

/** Parses JSON without losing digits: a number beyond the safe integers arrives as the string that was written. */
export function parseJson(text: string): unknown {
  // Only a long run of digits can be such a number, and one is rare: the fast parser does the rest.
  return /\d{16}/.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

function keepDigits(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) ? (context?.source ?? value) : value;
}
