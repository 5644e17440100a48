import type { HistoryEvent } from "../history.ts";

/** `[f, input, output, call, return]`; no return stands for an unknown outcome. Each has a process of its own. */
export type WrittenCall = readonly [f: string, input: unknown, output: unknown, call: number, ret?: number | undefined];

/** A history written down by hand. */
export function written(calls: readonly WrittenCall[], keyOf?: (index: number) => string): HistoryEvent[] {
  return calls
    .flatMap(([f, value, output, call, ret], process): HistoryEvent[] => {
      const shared = { process, f, ...(keyOf === undefined ? {} : { key: keyOf(process) }) };
      const invoke: HistoryEvent = { ...shared, type: "invoke", value, timeNs: call };
      return ret === undefined ? [invoke] : [invoke, { ...shared, type: "ok", value: output, timeNs: ret }];
    })
    .sort((a, b) => a.timeNs - b.timeNs || Number(a.type === "ok") - Number(b.type === "ok"));
}
