import { systemClock, systemRandom, type Clock, type RandomSource } from "../../runtime/system.ts";
import type { Answer, Coordination } from "../coordination.ts";
import type { KeyValue, RangeResponse } from "../key-value/key-value.ts";
import { untilAnswered, type Persistence } from "../recipes/until-answered.ts";
import { oldestOf, prefixRange } from "../recipes/waiting-line.ts";

export interface ObserveOptions {
  /** Ends the observation: the next pull rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/** The pair in front of a line, if there is one, and as of when. */
export interface Front {
  readonly pair: KeyValue | undefined;
  readonly header: Answer<RangeResponse>["header"];
}

/** Who is in front of the line whose keys begin so. @throws CoordinationError */
export async function frontOf(coordination: Coordination, prefix: Uint8Array, signal?: AbortSignal): Promise<Front> {
  const { pairs, header } = await coordination.range(oldestOf(prefix), signal === undefined ? {} : { signal });
  return { pair: pairs[0], header };
}

/**
 * Who is in front now, and then at every change, of who it is and of what it says; without a pair when the line is
 * empty. Of fronts that followed each other quickly some may be left out, never the last.
 *
 * @throws what a request is refused with; the signal's reason
 */
export async function* observeFront(
  coordination: Coordination,
  prefix: Uint8Array,
  { signal, clock = systemClock, random = systemRandom }: ObserveOptions = {},
): AsyncGenerator<Front, void, undefined> {
  const persistence: Persistence = { clock, random, signal };
  let wasEmpty = false;
  for (;;) {
    const front = await untilAnswered(persistence, () => frontOf(coordination, prefix, signal));
    const { pair, header } = front;
    if (pair !== undefined || !wasEmpty) yield front;
    wasEmpty = pair === undefined;
    const watched = pair === undefined ? prefixRange(prefix) : { key: pair.key };
    const watcher = await untilAnswered(persistence, () =>
      coordination.watch(
        { ...watched, startRevision: header.revision + 1, noDelete: pair === undefined },
        { requireLeader: true, ...(signal && { signal }) },
      ),
    );
    told: for await (const response of watcher) {
      if (response.canceled === true) break;
      for (const event of response.events) {
        // Somebody came, or the one in front has left.
        if (pair === undefined || event.type === "delete") break told;
        yield { pair: event.pair, header: response.header };
      }
    }
  }
}
