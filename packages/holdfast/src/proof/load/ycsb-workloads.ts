import type { KeyDistribution } from "./key-distribution.ts";

export type RecordOperation = "read" | "update" | "insert" | "scan" | "readModifyWrite";

/** What clients do to records, and to which. */
export interface RecordWorkload {
  readonly name: string;
  readonly description: string;
  /** Shares of operations; they add up to 1. */
  readonly mix: Readonly<Partial<Record<RecordOperation, number>>>;
  readonly keys: KeyDistribution;
  /** Records of one scan, drawn evenly from 1 to this. */
  readonly maxScanRecords?: number;
}

const zipfian: KeyDistribution = { type: "zipfian", exponent: 0.99 };

/** The core workloads of YCSB (B. Cooper et al., "Benchmarking cloud serving systems with YCSB", SoCC 2010, table 2). */
export const ycsbWorkloads: Readonly<Record<"a" | "b" | "c" | "d" | "e" | "f", RecordWorkload>> = {
  a: {
    name: "a",
    description: "update heavy: sessions that remember what was done last",
    mix: { read: 0.5, update: 0.5 },
    keys: zipfian,
  },
  b: {
    name: "b",
    description: "read mostly: photos with tags",
    mix: { read: 0.95, update: 0.05 },
    keys: zipfian,
  },
  c: { name: "c", description: "read only: profiles built elsewhere", mix: { read: 1 }, keys: zipfian },
  d: {
    name: "d",
    description: "read latest: what people just posted",
    mix: { read: 0.95, insert: 0.05 },
    keys: { type: "latest", exponent: 0.99 },
  },
  e: {
    name: "e",
    description: "short ranges: threads of conversation",
    mix: { scan: 0.95, insert: 0.05 },
    keys: zipfian,
    maxScanRecords: 100,
  },
  f: {
    name: "f",
    description: "read, modify, write: users' own records",
    mix: { read: 0.5, readModifyWrite: 0.5 },
    keys: zipfian,
  },
};
