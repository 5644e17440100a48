import type { ServiceError } from "@grpc/grpc-js";
import type { Answer, LeaseId, LeaseKeepAliveResponse } from "../../coordination/index.ts";
import { systemClock } from "../../runtime/system.ts";
import { fromBigInt, type WireMessage } from "../etcd-protocol/index.ts";
import type { Endpoint, EtcdStream } from "./endpoint.ts";
import { toKeepAlive } from "./response-messages.ts";

export type KeepAliveOutcome =
  | { readonly type: "answer"; readonly answer: Answer<LeaseKeepAliveResponse> }
  /** Without an error: no answer came in time. */
  | { readonly type: "failure"; readonly error: ServiceError | undefined };

type Waiter = (outcome: KeepAliveOutcome) => void;

/** One stream of keep-alives. It answers in order, each with its lease's id. */
export class KeepAliveLine {
  readonly endpoint: Endpoint;
  readonly token: string | undefined;
  readonly #stream: EtcdStream;
  readonly #waiting = new Map<LeaseId, Waiter[]>();
  #isOver = false;

  constructor(endpoint: Endpoint, stream: EtcdStream, token: string | undefined) {
    this.endpoint = endpoint;
    this.token = token;
    this.#stream = stream;
    stream.on("data", (message: WireMessage) => this.#onAnswer(message));
    stream.on("error", (error: ServiceError) => this.#end(error));
    stream.on("end", () => this.#end(undefined));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  send(id: LeaseId, deadline: number): Promise<KeepAliveOutcome> {
    if (this.#isOver) return Promise.resolve({ type: "failure", error: undefined });
    return new Promise((resolve) => {
      const waiters = this.#waiting.get(id);
      // It keeps its place when it gives up: its answer may come still.
      const waiter: Waiter = (outcome) => {
        timer.cancel();
        resolve(outcome);
      };
      const timer = systemClock.setTimer(deadline - systemClock.now(), () =>
        resolve({ type: "failure", error: undefined }),
      );
      if (waiters === undefined) this.#waiting.set(id, [waiter]);
      else waiters.push(waiter);
      this.#stream.write({ ID: fromBigInt(id) });
    });
  }

  close(): void {
    this.#stream.cancel();
    this.#end(undefined);
  }

  #onAnswer(message: WireMessage): void {
    const answer = toKeepAlive(message);
    const waiters = this.#waiting.get(answer.id);
    waiters?.shift()?.({ type: "answer", answer });
    if (waiters?.length === 0) this.#waiting.delete(answer.id);
  }

  #end(error: ServiceError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const waiters of this.#waiting.values()) for (const waiter of waiters) waiter({ type: "failure", error });
    this.#waiting.clear();
  }
}
