import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../runtime/index.ts";
import { chooseFaults, stillChosen, type ChosenFaults } from "./chosen-faults.ts";
import { Delivery } from "./delivery.ts";
import { drawWait } from "./drawn-latency.ts";
import type { FaultSet } from "./fault-set.ts";
import type { JournaledRequest } from "./journaled-request.ts";
import { errorAnswer, type ReadyAnswer } from "./mock-answer.ts";
import { ReceivedRequest } from "./mock-request.ts";
import { decodePath } from "./path-pattern.ts";
import { pause } from "./pause.ts";
import { readBody } from "./read-body.ts";
import type { RequestJournal } from "./request-journal.ts";
import type { Found, RouteTable } from "./route-table.ts";
import { faultAnswer, shapeAnswer } from "./shaped-answer.ts";

export interface ExchangeContext {
  readonly table: RouteTable;
  readonly faults: FaultSet;
  readonly journal: RequestJournal;
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  /** Whether the service is on its way out. */
  readonly isClosed: () => boolean;
}

const maxListedRoutes = 50;

/** One request and its answer: read, find the route, meet the faults, answer. */
export class Exchange {
  readonly #context: ExchangeContext;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #request: ReceivedRequest;
  readonly #gone = new AbortController();
  readonly #startedAt: number;
  #entry: JournaledRequest;
  #isIn = false;
  #isCut = false;

  constructor(context: ExchangeContext, message: IncomingMessage, response: ServerResponse) {
    this.#context = context;
    this.#message = message;
    this.#response = response;
    const { method = "", url = "", headers } = message;
    this.#request = new ReceivedRequest(method, url, headers, this.#gone.signal);
    const { path, query } = this.#request;
    this.#startedAt = context.clock.now();
    this.#entry = context.journal.begin({ method, path, query: query.toString() }, headers);
    // Whoever is not there any more is known by the close.
    response.on("error", () => undefined);
    response.once("close", () => this.#finish());
  }

  /** Never rejects: what goes wrong here is the service's own, and ends the connection. */
  async serve(): Promise<void> {
    try {
      await this.#serve();
    } catch (error) {
      this.#change({ error: error instanceof Error ? error.message : String(error) });
      this.#message.socket.destroy();
    }
  }

  async #serve(): Promise<void> {
    const { journal, maxBodyBytes, table, faults, clock } = this.#context;
    const body = await readBody(this.#message, maxBodyBytes);
    if (this.#gone.signal.aborted) return;
    if (body !== undefined) this.#request.body = body;
    this.#change(journal.keep(this.#request.body));
    const path = decodePath(this.#request.path);
    const found = path === undefined ? undefined : table.find(this.#request, path);
    const route = found?.kind === "found" ? found.endpoint.route : undefined;
    if (found?.kind === "found") this.#request.params = found.params;
    const aim = { method: this.#request.method, path: path ?? [], route };
    const drawn = faults.draw(aim, clock.now());
    const chosen = chooseFaults(drawn);
    this.#change({
      route: route ?? null,
      params: this.#request.params,
      faults: drawn.map(({ id, kind }) => ({ id, kind })),
    });
    this.#isIn = true;
    journal.add(this.#entry);
    await this.#wait(chosen);
    const left = stillChosen(chosen, this.#gone.signal.aborted);
    if (this.#gone.signal.aborted) return;
    // One that is still sending is not waited for.
    if (!this.#message.complete) this.#response.shouldKeepAlive = false;
    const answer = async (): Promise<ReadyAnswer> =>
      body === undefined
        ? errorAnswer(413, `the body must be at most ${maxBodyBytes} bytes`)
        : this.#answer(path, found);
    await this.#send(left, answer);
  }

  async #wait({ waits }: ChosenFaults): Promise<void> {
    for (const fault of waits) {
      const waitMs = drawWait(fault);
      if (waitMs <= 0 || this.#gone.signal.aborted || fault.ended.aborted) {
        fault.release();
        continue;
      }
      fault.strike();
      await pause(this.#context.clock, waitMs, [fault.ended, this.#gone.signal]);
    }
  }

  async #send({ instead, shapes, breakOff, pace }: ChosenFaults, answer: () => Promise<ReadyAnswer>): Promise<void> {
    const { clock } = this.#context;
    const onCut = (): void => void (this.#isCut = true);
    const delivery = new Delivery({ response: this.#response, clock, gone: this.#gone.signal, onCut });
    if (instead?.kind === "reset" || instead?.kind === "close") return delivery.refuse(instead);
    if (instead?.kind === "garbage") return delivery.sendGarbage(instead);
    let ready: ReadyAnswer;
    if (instead === undefined) ready = await answer();
    else {
      instead.strike();
      ready = faultAnswer(instead, clock.now());
    }
    if (this.#gone.signal.aborted) return undefined;
    this.#change({ status: ready.status });
    return delivery.send(shapeAnswer(ready, shapes), breakOff, pace);
  }

  async #answer(path: readonly string[] | undefined, found: Found | undefined): Promise<ReadyAnswer> {
    const { method, path: text } = this.#request;
    const { table } = this.#context;
    if (method === "OPTIONS" && text === "*") return allowing(["GET", "HEAD", "OPTIONS"]);
    if (path === undefined || found === undefined || !text.startsWith("/")) {
      return errorAnswer(400, "the path is not encoded correctly");
    }
    if (found.kind === "found") return this.#respond(found);
    const allow = table.allowedAt(path);
    if (method === "OPTIONS" && allow.length > 0) return allowing(allow);
    if (found.kind === "method") {
      const error = `${method} is not for ${text}; there is ${allow.join(", ")}`;
      return errorAnswer(405, error, {}, { allow: allow.join(", ") });
    }
    if (found.unmet.length > 0) {
      const error = `${method} ${text} is there, but not with this query, these headers or this body`;
      return errorAnswer(404, error, { routes: found.unmet });
    }
    const routes = table.routes.map(({ name }) => name);
    return errorAnswer(404, `nothing is at ${method} ${text}`, { routes: routes.slice(0, maxListedRoutes) });
  }

  async #respond({ endpoint }: Found & { readonly kind: "found" }): Promise<ReadyAnswer> {
    try {
      return await endpoint.respond(this.#request);
    } catch (error) {
      const message = `the handler of ${endpoint.route} failed: ${error instanceof Error ? error.message : String(error)}`;
      this.#change({ error: message });
      return errorAnswer(500, message);
    }
  }

  #change(change: Partial<JournaledRequest>): void {
    this.#entry = { ...this.#entry, ...change };
    if (this.#isIn) this.#context.journal.update(this.#entry);
  }

  #finish(): void {
    const { clock, isClosed, journal } = this.#context;
    this.#gone.abort();
    const isWhole = this.#response.writableFinished;
    const outcome = this.#isCut ? "cut" : isWhole ? "answered" : isClosed() ? "closed" : "clientGone";
    this.#change({ durationMs: clock.now() - this.#startedAt, outcome });
    if (this.#isIn) return;
    this.#isIn = true;
    journal.add(this.#entry);
  }
}

function allowing(methods: readonly string[]): ReadyAnswer {
  return { status: 204, headers: { allow: methods.join(", ") }, body: new Uint8Array() };
}
