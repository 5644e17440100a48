import { HoldfastError } from "../errors/base.ts";
import type { Address } from "../runtime/index.ts";
import { addressKey } from "./driver-batch.ts";
import type { MembershipEvent } from "./swim-effects.ts";

/** None of the members asked to join through has answered. */
export class JoinError extends HoldfastError {
  static override readonly brand: string = "JoinError";

  readonly addresses: readonly Address[];

  /** @example new JoinError([{ host: "10.0.0.1", port: 7946 }]) */
  constructor(addresses: readonly Address[]) {
    const list = addresses.map(({ host, port }) => `${host}:${port}`).join(", ");
    super(`no member answered at ${list}`, {
      name: "JoinError",
      code: "JOIN_FAILED",
      kind: "network",
      retryable: true,
    });
    this.addresses = addresses;
  }
}

interface Waiting {
  readonly outstanding: Set<string>;
  readonly finish: () => void;
  answered: number;
}

/** Those who wait for the answers to a `join`. */
export class JoinWaits {
  readonly #waiting = new Set<Waiting>();

  /** How many of the addresses have answered, once each has or has failed. @throws JoinError when none has */
  wait(addresses: readonly Address[], signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const stop = (): void => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        stop();
        reject(signal?.reason);
      };
      const waiting: Waiting = {
        outstanding: new Set(addresses.map(addressKey)),
        answered: 0,
        finish() {
          stop();
          if (waiting.answered > 0) resolve(waiting.answered);
          else reject(new JoinError(addresses));
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(waiting);
    });
  }

  onEvent(event: MembershipEvent): void {
    if (event.type !== "joined" && event.type !== "joinFailed") return;
    const key = addressKey(event.address);
    for (const waiting of this.#waiting) {
      if (!waiting.outstanding.delete(key)) continue;
      if (event.type === "joined") waiting.answered++;
      if (waiting.outstanding.size === 0) waiting.finish();
    }
  }

  /** Nobody will answer any more. */
  close(): void {
    for (const waiting of this.#waiting) waiting.finish();
  }
}
