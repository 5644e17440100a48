import { checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { FaultParameters } from "./live-fault.ts";

/** Which way of a connection: `up` leads from clients to the upstream, `down` back. */
export type Direction = "up" | "down";

/** A fault of a connection, with every parameter that its kind has. Kinds and units are those of described faults. */
export interface NetworkFault {
  readonly id: string;
  readonly kind: NetworkFaultKind;
  readonly directions: readonly Direction[];
  /** How many of the connections it strikes, 0..1: drawn once for each. */
  readonly toxicity: number;
  /** By name; what has no default and was not given is not there. */
  readonly values: Readonly<Record<string, number>>;
}

type Rule = readonly [least: number, most: number, defaultValue: number | undefined];

const time: Rule = [0, 3_600_000, 0];
const share: Rule = [0, 1, undefined];
const bytes: Rule = [1, 1e12, undefined];

/** What can go wrong with a connection. */
export type NetworkFaultKind =
  | "delay"
  | "bandwidth"
  | "loss"
  | "duplication"
  | "reordering"
  | "clog"
  | "partition"
  | "blackHole"
  | "reset"
  | "halfClose"
  | "slicer"
  | "limitData"
  | "slowClose"
  | "corrupt"
  | "down";

/** By kind: its numbers. One without a default must be given. */
const rules: Readonly<Record<NetworkFaultKind, Readonly<Record<string, Rule>>>> = {
  /** Bytes take longer, in their order; datagrams may overtake each other. `jitterMs` is the mean of what comes on top. */
  delay: { delayMs: [0, 3_600_000, undefined], jitterMs: time },
  bandwidth: { bytesPerSecond: bytes },
  /** Datagrams are lost; bytes of a stream are sent again, which takes 200 ms, then 400, …. */
  loss: { share },
  /** Datagrams arrive twice, the second within this time. */
  duplication: { share, withinMs: [0, 3_600_000, 10] },
  /** Datagrams are held back for up to this time, and overtaken. */
  reordering: { share, withinMs: [0, 3_600_000, 10] },
  /** Nothing passes for the time, and then all of it does. */
  clog: {},
  /** A cut cable, both ways (`split`) or, `oneWay`, from the upstream: datagrams are lost, bytes of a stream wait. */
  partition: {},
  /** What is sent is swallowed; connections are closed after `closeAfterMs`, and reset at the end where bytes are missing. */
  blackHole: { closeAfterMs: time },
  /** Connections are reset, new ones too, `afterMs` after the fault or the connection has begun. */
  reset: { afterMs: time },
  /** The direction ends, the other one goes on. */
  halfClose: {},
  /** Bytes arrive in pieces of about this size, one `pauseMs` after the other. */
  slicer: { averageBytes: [1, 1e6, undefined], variationBytes: [0, 1e6, 0], pauseMs: time },
  /** Connections are closed once so many bytes have passed in the direction since the fault or the connection began. */
  limitData: { bytes: [0, 1e12, undefined] },
  /** The end of the direction takes longer. */
  slowClose: { delayMs: [0, 3_600_000, undefined] },
  /** A bit turns in a share of the pieces. Only where it was allowed by name. */
  corrupt: { share },
  /** Nobody listens: connections are refused, and those that are open are reset. */
  down: {},
};

/** By protocol. */
export const networkFaultKinds: Readonly<Record<"tcp" | "udp", readonly NetworkFaultKind[]>> = {
  tcp: (Object.keys(rules) as NetworkFaultKind[]).filter((kind) => kind !== "duplication" && kind !== "reordering"),
  udp: ["delay", "bandwidth", "loss", "duplication", "reordering", "clog", "partition", "blackHole", "corrupt"],
};

/** Those that strike a connection as a whole, or say themselves which way they go. */
const undirected: readonly string[] = ["reset", "down", "partition"];

/**
 * Checks the parameters of a kind and fills in the defaults.
 *
 * @throws InvalidArgumentError: `parameters.share must be a number >= 0 and <= 1 (got 7)`
 */
export function checkNetworkFault(kind: NetworkFaultKind, parameters: FaultParameters): FaultParameters {
  const own = rules[kind];
  const words = undirected.includes(kind) ? [] : ["direction"];
  if (kind === "partition") words.push("shape");
  const known = [...Object.keys(own), ...words, ...(kind === "down" ? [] : ["toxicity"])];
  checkOptionNames("parameters", parameters, known);
  const checked: Record<string, number | string | boolean> = {};
  for (const [name, [least, most, defaultValue]] of Object.entries(own)) {
    checked[name] = checkNumber(`parameters.${name}`, parameters[name] ?? defaultValue, least, most);
  }
  if (kind === "slicer" && Number(checked["variationBytes"]) >= Number(checked["averageBytes"])) {
    const rule = `must be less than averageBytes ${String(checked["averageBytes"])}`;
    throw new InvalidArgumentError("parameters.variationBytes", rule, checked["variationBytes"]);
  }
  if (words.includes("direction")) {
    checked["direction"] = checkOneOf("parameters.direction", parameters["direction"] ?? "both", [
      "up",
      "down",
      "both",
    ]);
  }
  if (words.includes("shape")) {
    checked["shape"] = checkOneOf("parameters.shape", parameters["shape"] ?? "split", ["split", "oneWay"]);
  }
  if (kind !== "down") checked["toxicity"] = checkNumber("parameters.toxicity", parameters["toxicity"] ?? 1, 0, 1);
  return checked;
}

/** A checked fault in the form in which connections use it. */
export function networkFault(id: string, kind: NetworkFaultKind, parameters: FaultParameters): NetworkFault {
  const { direction = "both", shape, toxicity = 1, ...values } = parameters;
  const oneWay = shape === "oneWay" ? "down" : direction;
  return {
    id,
    kind,
    directions: oneWay === "up" || oneWay === "down" ? [oneWay] : ["up", "down"],
    toxicity: toxicity as number,
    values: values as Readonly<Record<string, number>>,
  };
}
