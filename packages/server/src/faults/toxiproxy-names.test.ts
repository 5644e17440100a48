import { checkNetworkFault, type FaultParameters, type NetworkFaultKind } from "holdfast/proof";
import { expect, it } from "vitest";
import { fromToxiproxy } from "./toxiproxy-names.ts";

it.each<[string, FaultParameters, NetworkFaultKind, FaultParameters]>([
  ["latency", { latency: 100, jitter: 5 }, "delay", { delayMs: 100, jitterMs: 5 }],
  ["latency", { latency: 1, stream: "downstream" }, "delay", { delayMs: 1, direction: "down" }],
  ["bandwidth", { rate: 8 }, "bandwidth", { bytesPerSecond: 8_000 }],
  ["slow_close", { delay: 7 }, "slowClose", { delayMs: 7 }],
  ["timeout", { timeout: 7, toxicity: 0.5 }, "blackHole", { closeAfterMs: 7, toxicity: 0.5 }],
  ["reset_peer", { timeout: 7 }, "reset", { afterMs: 7 }],
  [
    "slicer",
    { average_size: 9, size_variation: 2, delay: 5_000, stream: "upstream" },
    "slicer",
    { averageBytes: 9, variationBytes: 2, pauseMs: 5, direction: "up" },
  ],
  ["limit_data", { bytes: 3 }, "limitData", { bytes: 3 }],
  ["delay", { delayMs: 3 }, "delay", { delayMs: 3 }],
  ["slicer", { averageBytes: 3 }, "slicer", { averageBytes: 3 }],
])("%s %o", (type, attributes, kind, parameters) => {
  const named = fromToxiproxy(type, attributes);
  expect(named).toEqual({ kind, parameters });
  expect(checkNetworkFault(kind, named.parameters)).toMatchObject(parameters);
});

it("leaves what it does not know as it is, for the check to refuse", () => {
  expect(fromToxiproxy("latency", { speed: 1, stream: "left" })).toEqual({
    kind: "delay",
    parameters: { speed: 1, direction: "left" },
  });
  expect(fromToxiproxy("constructor", { toString: 1 })).toEqual({ kind: "constructor", parameters: { toString: 1 } });
});
