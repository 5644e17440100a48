import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { InvalidArgumentError } from "../../errors/base.ts";
import { errorAnswer, readAnswer, type ReadyAnswer } from "./mock-answer.ts";
import type { MockFault } from "./mock-fault.ts";
import type { CheckedControl, MockConfiguration } from "./mock-options.ts";
import type { MockRoute } from "./mock-route.ts";
import type { MockService } from "./mock-service.ts";
import { decodePath } from "./path-pattern.ts";
import { readBody } from "./read-body.ts";

/** A service with what only those change who know the token. */
export interface ControlledService extends MockService {
  removeRoute(name: string): boolean;
  removeFault(id: string): Promise<boolean>;
}

export interface ControlDeskOptions extends CheckedControl {
  readonly maxBodyBytes: number;
}

type Work = (body: unknown, name: string) => Promise<ReadyAnswer> | ReadyAnswer;

/** Changes a service over HTTP, below a prefix of its own that no fault strikes and no journal shows. */
export class ControlDesk {
  readonly #service: ControlledService;
  readonly #options: ControlDeskOptions;
  /** By method and path below the prefix; a name at its end is given to the work. */
  readonly #works: Readonly<Record<string, Work>>;

  constructor(service: ControlledService, options: ControlDeskOptions) {
    this.#service = service;
    this.#options = options;
    this.#works = {
      "GET ": () => this.#tell(),
      "PUT ": (body) => this.#configure(body),
      "POST /reset": () => this.#reset(),
      "POST /routes": (body) => this.#addRoute(body),
      "DELETE /routes/": (_, name) => done(service.removeRoute(name), "route", name),
      "POST /faults": (body) => this.#addFault(body),
      "DELETE /faults": () => this.#configure({ faults: [] }),
      "DELETE /faults/": (_, id) => this.#removeFault(id),
      "GET /requests": () => json(200, { requests: service.journal.entries, forgotten: service.journal.forgotten }),
      "DELETE /requests": () => this.#clear(),
    };
  }

  isFor({ url = "" }: IncomingMessage): boolean {
    const { prefix } = this.#options;
    return url.startsWith(prefix) && ["", "/", "?"].includes(url.slice(prefix.length, prefix.length + 1));
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => undefined);
    // An outage spares the connection over which it is asked for, but nothing comes after it.
    response.shouldKeepAlive = false;
    const { status, headers, body } = await this.#answer(message);
    if (response.destroyed) return;
    const length = status === 204 ? {} : { "content-length": String(body.length) };
    response.writeHead(status, { ...(headers as Record<string, string | string[]>), ...length }).end(body);
  }

  async #answer(message: IncomingMessage): Promise<ReadyAnswer> {
    const { token, maxBodyBytes, prefix } = this.#options;
    const { authorization = "" } = message.headers;
    const bytes = await readBody(message, maxBodyBytes);
    if (!isSame(authorization, `Bearer ${token}`)) {
      return errorAnswer(401, "the token is missing or wrong", {}, { "www-authenticate": "Bearer" });
    }
    if (bytes === undefined) return errorAnswer(413, `the body must be at most ${maxBodyBytes} bytes`);
    const [path = ""] = (message.url ?? "").slice(prefix.length).split("?");
    const [, place = "", name] = /^(\/\w+)\/(.+)$/.exec(path) ?? [];
    const key = name === undefined ? path.replace(/\/$/, "") : `${place}/`;
    const decoded = decodePath(`/${name ?? ""}`)?.join("/");
    const work = this.#works[`${message.method ?? ""} ${key}`];
    if (decoded === undefined) return errorAnswer(400, "the path is not encoded correctly");
    if (work === undefined) return this.#refuse(message.method ?? "", key, path);
    try {
      return await work(parse(bytes), decoded);
    } catch (error) {
      if (InvalidArgumentError.is(error)) return errorAnswer(400, error.message);
      return errorAnswer(500, error instanceof Error ? error.message : String(error));
    }
  }

  #refuse(method: string, key: string, path: string): ReadyAnswer {
    const allow = Object.keys(this.#works)
      .map((work) => work.split(" "))
      .flatMap(([known = "", place]) => (place === key ? [known] : []));
    if (allow.length === 0) return errorAnswer(404, `nothing is at ${this.#options.prefix}${path}`);
    return errorAnswer(405, `${method} is not for this; there is ${allow.join(", ")}`, {}, { allow: allow.join(", ") });
  }

  #tell(): ReadyAnswer {
    const { name, url, seed, routes, faults, counts } = this.#service;
    return json(200, { name, url, seed, routes, faults, counts });
  }

  async #configure(body: unknown): Promise<ReadyAnswer> {
    const configuration = readObject("configuration", body) as MockConfiguration;
    if (Array.isArray(configuration.faults)) configuration.faults.forEach(checkEnd);
    await this.#service.configure(configuration);
    return this.#tell();
  }

  async #reset(): Promise<ReadyAnswer> {
    await this.#service.reset();
    return this.#tell();
  }

  #addRoute(body: unknown): ReadyAnswer {
    const { name } = this.#service.route(readObject("route", body) as unknown as MockRoute);
    return json(201, { name });
  }

  async #addFault(body: unknown): Promise<ReadyAnswer> {
    const fault = readObject("fault", body) as unknown as MockFault;
    checkEnd(fault);
    const { id, kind, parameters, struck } = await this.#service.fault(fault);
    return json(201, { id, kind, parameters, struck });
  }

  async #removeFault(id: string): Promise<ReadyAnswer> {
    const fault = this.#service.faults.find((one) => one.id === id);
    const isRemoved = await this.#service.removeFault(id);
    return isRemoved ? json(200, fault) : done(false, "fault", id);
  }

  #clear(): ReadyAnswer {
    this.#service.journal.clear();
    return done(true, "", "");
  }
}

/** Nobody could end an outage over a connection that is refused. */
function checkEnd(fault: MockFault): void {
  if (fault?.kind === "down" && fault.durationMs === undefined) {
    throw new InvalidArgumentError("fault.durationMs", "must be given where the service is down", undefined);
  }
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new InvalidArgumentError("the body", `must be JSON: ${(error as Error).message}`, "");
  }
}

function readObject(name: string, body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new InvalidArgumentError(name, "must be a JSON object", body);
}

function done(isDone: boolean, what: string, name: string): ReadyAnswer {
  if (!isDone) return errorAnswer(404, `there is no ${what} ${JSON.stringify(name)}`);
  return { status: 204, headers: {}, body: new Uint8Array() };
}

function json(status: number, value: unknown): ReadyAnswer {
  return readAnswer("answer", { status, json: value });
}

/** Takes as long whatever the difference. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
