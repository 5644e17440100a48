import { systemClock } from "../../runtime/system.ts";

/** What of Node's and the web's streams is needed to be rid of one. */
interface Body {
  readonly readableEnded?: boolean;
  resume?(): unknown;
  destroy?(): unknown;
  cancel?(): Promise<unknown>;
  on?(event: "error", listener: () => void): unknown;
}

/**
 * The bodies of answers that failed, where the caller wanted streams: read to their end, so that their connections serve
 * others; those that have not ended when the call has, are cut off.
 */
export class UnwantedBodies {
  readonly #draining: Body[] = [];

  /** Anything but a stream is done with already. */
  add(data: unknown): void {
    const body = data as Body | null | undefined;
    if (typeof body?.cancel === "function") void body.cancel().catch(ignore);
    if (typeof body?.resume !== "function" || typeof body.destroy !== "function") return;
    body.on?.("error", ignore);
    body.resume();
    this.#draining.push(body);
  }

  /** Gives a body that has come already the turn that it takes to be read: a retry that follows can use its connection. */
  async drained(): Promise<void> {
    if (this.#draining.length > 0) await new Promise<void>((resolve) => systemClock.defer(resolve));
  }

  close(): void {
    for (const body of this.#draining) if (body.readableEnded !== true) body.destroy?.();
  }
}

function ignore(): void {
  // Nobody reads it.
}
