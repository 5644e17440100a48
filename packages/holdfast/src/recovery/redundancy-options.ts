import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import type { RedundancyEvent } from "./redundancy-event.ts";
import { sameAnswer } from "./same-answer.ts";

/** Whom to ask: a name, or something that has one, as a member of a cluster does. */
export type RedundantNode = string | { readonly name: string };

export interface RedundancyOptions<Node = string, Answer = unknown> {
  /** Asked at once by every call: 1 to 1 000, each named once. */
  readonly primaries: readonly Node[];
  /** Take the place of primaries that fail, the first one first; also asked where the primaries disagree. Default none. */
  readonly backups?: readonly Node[];
  /**
   * How many must give the same answer: an integer from 1 to the number of primaries. Up to `level - 1` nodes that lie
   * together cannot make their answer win. Default: the majority of the primaries.
   */
  readonly level?: number;
  /** Whether two answers are the same; one that throws makes the node that answered last a failed one. Default `sameAnswer`. */
  readonly agree?: (a: Answer, b: Answer) => boolean;
  /**
   * Whether a failed call is the node's failure, so that a backup takes its place. Default: unless it is a Holdfast error
   * of the kind `business`, which any other node would give too. One that throws: no.
   */
  readonly failsOver?: (error: unknown, node: Node) => boolean;
  /** How long a node may take before it has failed: milliseconds >= 1, or Infinity. Default 30 000. */
  readonly timeoutMs?: number;
  /** How long a node is held for failed after a failed call: milliseconds >= 0. Default 30 000. */
  readonly returnAfterMs?: number;
  /** Gets answers that are not given to the caller. Default: they are disposed, see `discardResult`. */
  readonly onDiscard?: (answer: unknown, node: Node) => void;
  readonly onEvent?: (event: RedundancyEvent) => void;
  /** Stands in events and messages. */
  readonly name?: string;
  readonly clock?: Clock;
}

export const redundancyDefaults: {
  readonly timeoutMs: 30_000;
  readonly returnAfterMs: 30_000;
} = { timeoutMs: 30_000, returnAfterMs: 30_000 };

/** More nodes than this are no group but a cluster. */
const maxNodes = 1_000;

export interface RedundancySettings<Node, Answer> extends Required<
  Pick<RedundancyOptions<Node, Answer>, "level" | "agree" | "timeoutMs" | "returnAfterMs" | "name" | "clock">
> {
  readonly failsOver: RedundancyOptions<Node, Answer>["failsOver"];
  readonly onDiscard: RedundancyOptions<Node, Answer>["onDiscard"];
  readonly onEvent: RedundancyOptions<Node, Answer>["onEvent"];
  readonly primaries: readonly string[];
  readonly backups: readonly string[];
  /** All of them, by name. */
  readonly nodes: ReadonlyMap<string, Node>;
}

const names: readonly (keyof RedundancyOptions)[] = [
  "primaries",
  "backups",
  "level",
  "agree",
  "failsOver",
  "timeoutMs",
  "returnAfterMs",
  "onDiscard",
  "onEvent",
  "name",
  "clock",
];

export function checkRedundancyOptions<Node extends RedundantNode, Answer>(
  options: RedundancyOptions<Node, Answer>,
): RedundancySettings<Node, Answer> {
  checkOptionNames("redundancy", options, names);
  const { failsOver, onDiscard, onEvent, agree, name = "", clock = systemClock } = options;
  const nodes = new Map<string, Node>();
  const primaries = readNodes("primaries", options.primaries, nodes);
  const backups = readNodes("backups", options.backups ?? [], nodes);
  if (primaries.length === 0) {
    throw new InvalidArgumentError("redundancy.primaries", "must have at least one node", options.primaries);
  }
  if (nodes.size > maxNodes) {
    throw new InvalidArgumentError("redundancy", `takes at most ${maxNodes} nodes`, nodes.size);
  }
  const majority = Math.floor(primaries.length / 2) + 1;
  const level = checkInteger("redundancy.level", options.level ?? majority, 1, primaries.length);
  const timeoutMs = options.timeoutMs ?? redundancyDefaults.timeoutMs;
  const returnAfterMs = options.returnAfterMs ?? redundancyDefaults.returnAfterMs;
  checkNumber("redundancy.timeoutMs", timeoutMs, 1, Infinity);
  checkNumber("redundancy.returnAfterMs", returnAfterMs, 0, Infinity);
  checkFunction("redundancy.agree", agree);
  checkFunction("redundancy.failsOver", failsOver);
  checkFunction("redundancy.onDiscard", onDiscard);
  checkFunction("redundancy.onEvent", onEvent);
  if (typeof name !== "string") throw new InvalidArgumentError("redundancy.name", "must be a string", name);
  return {
    nodes,
    primaries,
    backups,
    level,
    timeoutMs,
    returnAfterMs,
    agree: agree ?? sameAnswer,
    failsOver,
    onDiscard,
    onEvent,
    name,
    clock,
  };
}

/** The names of a list of nodes, each of which must be new. */
function readNodes<Node extends RedundantNode>(
  option: "primaries" | "backups",
  list: readonly Node[],
  nodes: Map<string, Node>,
): string[] {
  if (!Array.isArray(list)) throw new InvalidArgumentError(`redundancy.${option}`, "must be a list of nodes", list);
  return list.map((node: Node, at) => {
    const name: unknown = typeof node === "string" ? node : (node as { readonly name?: unknown } | undefined)?.name;
    const where = `redundancy.${option}[${at}]`;
    if (typeof name !== "string" || name === "") {
      throw new InvalidArgumentError(where, "must be a name, or have one", node);
    }
    if (nodes.has(name)) throw new InvalidArgumentError(where, "must not be named before", name);
    nodes.set(name, node);
    return name;
  });
}
