import type { ActiveFault } from "./active-fault.ts";
import { errorAnswer, type ReadyAnswer } from "./mock-answer.ts";

/** What a fault answers instead of the route. */
export function faultAnswer(fault: ActiveFault, now: number): ReadyAnswer {
  const status = fault.number("status") ?? 500;
  if (fault.kind === "rateLimit") {
    const afterS = Math.max(1, Math.ceil(fault.windowLeftMs(now) / 1_000));
    const error = `${fault.id} allows ${fault.number("requests")} requests in ${fault.number("perMs")} ms`;
    return errorAnswer(status, error, {}, { "retry-after": String(afterS) });
  }
  const afterS = fault.number("retryAfterS");
  return errorAnswer(
    status,
    `${fault.id} was injected`,
    {},
    afterS === undefined ? {} : { "retry-after": String(afterS) },
  );
}

/** The answer as the faults leave it; one without a body has nothing that could be changed. */
export function shapeAnswer(answer: ReadyAnswer, shapes: readonly ActiveFault[]): ReadyAnswer {
  let shaped = answer;
  for (const fault of shapes) {
    if (shaped.body.length === 0) {
      fault.release();
      continue;
    }
    fault.strike();
    if (fault.kind === "wrongType") {
      const type = String(fault.parameters["type"]);
      shaped = { ...shaped, headers: { ...shaped.headers, "content-type": type } };
    } else if (fault.kind === "malformedJson") {
      const headers = { ...shaped.headers, "content-type": "application/json" };
      shaped = { ...shaped, headers, body: malformed(shaped.body) };
    } else shaped = { ...shaped, body: corrupt(shaped.body, fault) };
  }
  return shaped;
}

function malformed(body: Uint8Array): Uint8Array {
  const half = Buffer.from(body.subarray(0, Math.ceil(body.length / 2))).toString();
  try {
    JSON.parse(half);
    // A number's first half is a number.
    return Buffer.from(`${half}{`);
  } catch {
    return Buffer.from(half);
  }
}

function corrupt(body: Uint8Array, { random, parameters }: ActiveFault): Uint8Array {
  const copy = new Uint8Array(body);
  const turn = (at: number): void => {
    copy[at] = copy[at]! ^ (1 << random.integer(0, 7));
  };
  const share = Number(parameters["share"]);
  let turned = 0;
  for (let at = 0; at < copy.length; at++) {
    if (random.next() >= share) continue;
    turn(at);
    turned++;
  }
  if (turned === 0) turn(random.integer(0, copy.length - 1));
  return copy;
}
