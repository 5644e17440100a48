import type { Span, Tracer } from "../../telemetry/index.ts";
import type { Credentials } from "../auth/auth.ts";
import type { Member } from "../coordination.ts";
import type { WatchDemand } from "./remote-codec.ts";
import { writeError } from "./remote-error.ts";
import { writeAnswerHead, writeStamp, type RemoteFrames } from "./remote-frames.ts";
import { failRemoteSpan } from "./remote-trace.ts";
import { writeWatchResponse } from "./remote-watch-codec.ts";
import { requireVoter } from "./require-voter.ts";
import type { Watcher } from "../watches/watch.ts";

export interface ServedWatchOptions {
  readonly id: number;
  readonly demand: WatchDemand;
  readonly member: Member;
  readonly credentials: Credentials | undefined;
  /** Of the time until it stands; what it tells later belongs to no trace. */
  readonly span: Span | undefined;
  readonly tracer: Tracer | undefined;
  readonly frames: RemoteFrames;
  /** Whether the client leaves too much unread; `resume` is called when it has read. */
  readonly isStalled: () => boolean;
  readonly onOver: () => void;
}

/** One watch of a client: responses go out as long as the client has asked for some, and reads. */
export class ServedWatch {
  readonly #options: ServedWatchOptions;
  #credit: number;
  #watcher: Watcher | undefined;
  #progressWanted = false;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(options: ServedWatchOptions) {
    this.#options = options;
    this.#credit = options.demand.credit;
  }

  async run(): Promise<void> {
    const { id, demand, member, credentials, frames, onOver, span, tracer } = this.#options;
    const { request, requireLeader } = demand;
    try {
      requireVoter(member);
      const options = { requireLeader, ...(credentials === undefined ? {} : { credentials }) };
      const begin = (): Promise<Watcher> => member.watch(request, options);
      const watcher = await (tracer === undefined ? begin() : tracer.run(span, begin));
      this.#watcher = watcher;
      span?.end();
      if (this.#closed) return void watcher.close();
      frames.send((writer) => {
        writeAnswerHead(writer, "watching", id);
        writeStamp(writer, watcher.header);
        writer.varint(watcher.startRevision);
      });
      if (this.#progressWanted) watcher.requestProgress();
      await this.#tell(watcher);
    } catch (error) {
      // Once it has ended, this is nothing to it.
      if (span !== undefined) failRemoteSpan(span, "server", error);
      if (this.#closed) return;
      frames.send((writer) => {
        writeAnswerHead(writer, "error", id);
        writeError(writer, error);
      });
    } finally {
      onOver();
    }
  }

  addCredit(credit: number): void {
    this.#credit += credit;
    this.resume();
  }

  resume(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  requestProgress(): void {
    this.#progressWanted = true;
    this.#watcher?.requestProgress();
  }

  close(): void {
    this.#closed = true;
    void this.#watcher?.close();
    this.resume();
  }

  async #tell(watcher: Watcher): Promise<void> {
    const { id, frames, isStalled } = this.#options;
    for (;;) {
      while (!this.#closed && (this.#credit === 0 || isStalled())) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      if (this.#closed) return;
      const { value } = await watcher.next();
      if (value === undefined || this.#closed) return;
      this.#credit--;
      frames.send((writer) => {
        writeAnswerHead(writer, "told", id);
        writeStamp(writer, value.header);
        writeWatchResponse(writer, value);
      });
      if (value.canceled === true) return;
    }
  }
}
