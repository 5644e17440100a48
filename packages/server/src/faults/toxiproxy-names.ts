import type { FaultParameters } from "holdfast/proof";

interface Renamed {
  readonly kind: string;
  /** The attribute's own name and the factor to its unit here. */
  readonly attributes: Readonly<Record<string, readonly [name: string, factor: number]>>;
}

/** Toxiproxy's types and attributes, as far as they are called something else here. */
const toxics: Readonly<Record<string, Renamed>> = {
  latency: { kind: "delay", attributes: { latency: ["delayMs", 1], jitter: ["jitterMs", 1] } },
  bandwidth: { kind: "bandwidth", attributes: { rate: ["bytesPerSecond", 1_000] } },
  slow_close: { kind: "slowClose", attributes: { delay: ["delayMs", 1] } },
  timeout: { kind: "blackHole", attributes: { timeout: ["closeAfterMs", 1] } },
  reset_peer: { kind: "reset", attributes: { timeout: ["afterMs", 1] } },
  slicer: {
    kind: "slicer",
    attributes: {
      average_size: ["averageBytes", 1],
      size_variation: ["variationBytes", 1],
      delay: ["pauseMs", 0.001],
    },
  },
  limit_data: { kind: "limitData", attributes: {} },
};

const streams: Readonly<Record<string, string>> = { upstream: "up", downstream: "down" };

/** What goes by names of Toxiproxy in names of here; everything else as it is. */
export function fromToxiproxy(
  kind: string,
  parameters: FaultParameters,
): { readonly kind: string; readonly parameters: FaultParameters } {
  const toxic = Object.hasOwn(toxics, kind) ? toxics[kind] : undefined;
  if (toxic === undefined) return { kind, parameters };
  const named = Object.entries(parameters).map(([name, value]): [string, number | string | boolean] => {
    if (name === "stream" && typeof value === "string") return ["direction", streams[value] ?? value];
    const attribute = Object.hasOwn(toxic.attributes, name) ? toxic.attributes[name] : undefined;
    if (attribute === undefined || typeof value !== "number") return [attribute?.[0] ?? name, value];
    return [attribute[0], value * attribute[1]];
  });
  return { kind: toxic.kind, parameters: Object.fromEntries(named) };
}
