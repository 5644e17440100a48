import type { Random } from "../../runtime/index.ts";
import type { ModelName } from "../models/registry.ts";
import { chance, pick } from "./draw.ts";
import type { DrawnOperation } from "./drawn-history.ts";

/** One number in what an operation gave replaced by another number that somebody was given. */
function withOtherNumber(
  output: unknown,
  mayBeNothing: boolean,
  operations: readonly DrawnOperation[],
  random: Random,
): unknown {
  const numbers = mayBeNothing ? /(?<![\w"])(\d+|null)(?![\w"])/g : /(?<![\w"])\d+(?![\w"])/g;
  const text = JSON.stringify(output);
  const others = JSON.stringify(operations.map((operation) => operation.output)).match(numbers) ?? ["0"];
  const places = [...text.matchAll(numbers)];
  if (places.length === 0) return output;
  const { index, 0: old } = pick(random, places);
  return JSON.parse(text.slice(0, index) + pick(random, others) + text.slice(index + old.length));
}

/** One operation dropped, or shorter than it was, or with another result. */
export function mutate(name: ModelName, operations: readonly DrawnOperation[], random: Random): DrawnOperation[] {
  const at = random.integer(0, operations.length - 1);
  const chosen = operations[at]!;
  if (chance(random, 0.2)) return operations.toSpliced(at, 1);
  if (chance(random, 0.3)) {
    const callNs = random.integer(chosen.callNs, chosen.returnNs - 1);
    const returnNs = random.integer(callNs + 1, chosen.returnNs);
    return operations.with(at, { ...chosen, callNs, returnNs });
  }
  // What a transaction wrote is no result.
  if (name === "multi-register" && JSON.stringify(chosen.input).includes('"w"')) return [...operations];
  const alike = operations.filter(({ f, fate }) => f === chosen.f && fate === "ok");
  if (alike.length > 0 && chance(random, 0.5) && !["multi-register", "coordination"].includes(name)) {
    return operations.with(at, { ...chosen, output: pick(random, alike).output });
  }
  // Elsewhere null says nothing, or is no answer.
  const mayBeNothing = ["register", "cas-register", "kv", "queue", "bag", "multi-register"].includes(name);
  const isLook = ["read", "get", "dequeue", "txn"].includes(chosen.f);
  const output = withOtherNumber(chosen.output, mayBeNothing && isLook, operations, random);
  return operations.with(at, { ...chosen, output });
}
