import { systemClock, systemRandom } from "../../runtime/system.ts";
import type { Coordination } from "../coordination.ts";
import type { KeyValue, RangeRequest } from "../key-value/key-value.ts";
import type { ObserveOptions } from "../leases/leader-watch.ts";
import { mayPass, untilAnswered, type Persistence } from "./until-answered.ts";
import type { WatchEvent } from "../watches/watch.ts";

/** What a range holds, or what has changed in it since the step before. */
export type RangeStep =
  | { readonly type: "state"; readonly pairs: readonly KeyValue[]; readonly revision: number }
  | { readonly type: "changes"; readonly events: readonly WatchEvent[]; readonly revision: number };

export interface FollowOptions extends ObserveOptions {
  /** How long a store may say that it has stopped before that is taken for the end. Default 10 000. */
  readonly stoppedMs?: number;
}

/** Not at once: a member that is stopping would be asked again and again. */
const pauseMs = 50;

/**
 * What a range holds now, then every change of it, with nothing left out between: a watch that breaks is resumed where
 * it ended, on whichever member answers. Only when what was missed is compacted meanwhile, or the store is another
 * one, does another whole state come in between.
 *
 * @throws what a request is refused with; the signal's reason
 */
export async function* followRange(
  coordination: Coordination,
  range: Pick<RangeRequest, "key" | "rangeEnd">,
  { signal, clock = systemClock, random = systemRandom, stoppedMs }: FollowOptions = {},
): AsyncGenerator<RangeStep, void, undefined> {
  const persistence: Persistence = { clock, random, signal, ...(stoppedMs === undefined ? {} : { stoppedMs }) };
  const options = signal === undefined ? {} : { signal };
  for (;;) {
    const state = await untilAnswered(persistence, () => coordination.range(range, options));
    let { revision } = state.header;
    yield { type: "state", pairs: state.pairs, revision };
    for (let compacted = false; !compacted;) {
      const watcher = await untilAnswered(persistence, () =>
        coordination.watch({ ...range, startRevision: revision + 1 }, { requireLeader: true, ...options }),
      );
      try {
        for await (const { events, header, canceled, cancelReason } of watcher) {
          if (canceled === true) {
            compacted = cancelReason === "COMPACTED";
            break;
          }
          revision = Math.max(revision, header.revision);
          if (events.length > 0) yield { type: "changes", events, revision };
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (!mayPass(error)) throw error;
      }
      if (!compacted) await clock.sleep(pauseMs, options);
    }
  }
}
