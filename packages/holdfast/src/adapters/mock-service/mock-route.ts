import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { checkJson, containsJson } from "./json-part.ts";
import { readAnswer, type MockAnswer, type ReadyAnswer } from "./mock-answer.ts";
import type { MockRequest, ReceivedRequest } from "./mock-request.ts";
import { Resource, type MockResource } from "./mock-resource.ts";
import { PathPattern } from "./path-pattern.ts";
import { compileTextRules, type TextRule } from "./text-rule.ts";

export type MockHandler = (request: MockRequest) => MockAnswer | Promise<MockAnswer>;

/** One of the answers that come one after the other. */
export interface MockStep extends MockAnswer {
  /** How often it comes. Default 1; the last comes from then on. */
  readonly times?: number;
}

/** What is there, and what it says: exactly one of `answer`, `sequence` and `resource`. */
export interface MockRoute {
  /** How faults and the journal name it. Default the method and the path. */
  readonly name?: string;
  /** One, several, or `*` for all. Default GET, which HEAD is answered by too. */
  readonly method?: string | readonly string[];
  /** `/users/:id`; `*` is one segment, `**` at the end any number of them. */
  readonly path: string;
  /** Only where the query has these. */
  readonly query?: Readonly<Record<string, TextRule | readonly TextRule[]>>;
  /** Only where the headers are these; names in any case. */
  readonly headers?: Readonly<Record<string, TextRule | readonly TextRule[]>>;
  /** Only where the body is JSON that holds this: of objects the members named here, of lists all items. */
  readonly body?: unknown;
  readonly answer?: MockAnswer | MockHandler;
  readonly sequence?: readonly MockStep[];
  /** Items in memory under `path` and `path/:id`. */
  readonly resource?: MockResource;
}

/** One way into a route. */
export interface Endpoint {
  readonly route: string;
  /** In upper case, or `*`. */
  readonly methods: readonly string[];
  readonly pattern: PathPattern;
  /** How many conditions there are beside method and path. */
  readonly conditions: number;
  /** The later, the higher. */
  readonly order: number;
  meets(request: ReceivedRequest): boolean;
  respond(request: MockRequest): ReadyAnswer | Promise<ReadyAnswer>;
}

const names = ["name", "method", "path", "query", "headers", "body", "answer", "sequence", "resource"];
const sources = ["answer", "sequence", "resource"] as const;
const maxSteps = 1_000;
const maxNameLength = 200;

/** @throws InvalidArgumentError that names `at` */
export function readRoute(at: string, route: MockRoute, order: number): readonly Endpoint[] {
  checkOptionNames(at, route, names);
  const pattern = new PathPattern(`${at}.path`, route.path);
  const [source, second] = sources.filter((word) => route[word] !== undefined);
  if (source === undefined || second !== undefined) {
    throw new InvalidArgumentError(at, `must have one of ${sources.join(", ")}`, route);
  }
  const name = readName(at, route);
  const { conditions, meets } = readConditions(at, route);
  const shared = { route: name, conditions, order, meets };
  if (source === "resource") return readResource(at, route, pattern, shared);
  const respond = source === "sequence" ? readSequence(at, route) : readSource(at, route);
  return [{ ...shared, methods: readMethods(`${at}.method`, route.method), pattern, respond }];
}

function readName(at: string, { name, method, path, resource }: MockRoute): string {
  if (name === undefined) {
    if (resource !== undefined) return path;
    return `${method === undefined ? "GET" : [method].flat().join("|").toUpperCase()} ${path}`;
  }
  if (typeof name === "string" && name !== "" && name.length <= maxNameLength) return name;
  throw new InvalidArgumentError(`${at}.name`, `must be text of at most ${maxNameLength} letters`, name);
}

function readMethods(at: string, method: unknown): readonly string[] {
  const given: readonly unknown[] = Array.isArray(method) ? method : [method ?? "GET"];
  if (given.length === 0) throw new InvalidArgumentError(at, "must name a method", method);
  return given.map((one) => {
    if (typeof one === "string" && /^(\*|[A-Za-z-]{1,32})$/.test(one)) return one.toUpperCase();
    throw new InvalidArgumentError(at, "must be a method, a list of methods, or *", one);
  });
}

function readConditions(at: string, route: MockRoute): Pick<Endpoint, "conditions" | "meets"> {
  const query = compileTextRules(`${at}.query`, route.query);
  const headers = compileTextRules(`${at}.headers`, route.headers).map(
    ([key, check]) => [key.toLowerCase(), check] as const,
  );
  const body = route.body === undefined ? undefined : { part: checkJson(`${at}.body`, route.body) };
  return {
    conditions: query.length + headers.length + (body === undefined ? 0 : 1),
    meets: (request) =>
      query.every(([key, check]) => check(request.query.getAll(key))) &&
      headers.every(([key, check]) => check(request.header(key))) &&
      (body === undefined || containsJson(request.json, body.part)),
  };
}

function readSource(at: string, { answer }: MockRoute): Endpoint["respond"] {
  if (typeof answer === "function") {
    return async (request) => readAnswer("the handler's answer", await answer(request));
  }
  const ready = readAnswer(`${at}.answer`, answer ?? {});
  return () => ready;
}

function readSequence(at: string, { sequence }: MockRoute): Endpoint["respond"] {
  if (!Array.isArray(sequence) || sequence.length === 0 || sequence.length > maxSteps) {
    throw new InvalidArgumentError(`${at}.sequence`, `must be a list of 1 to ${maxSteps} answers`, sequence);
  }
  const steps = (sequence as readonly MockStep[]).map((step, index) => {
    const name = `${at}.sequence[${index}]`;
    if (typeof step !== "object" || step === null) throw new InvalidArgumentError(name, "must be an object", step);
    const { times = 1, ...answer } = step;
    return { left: checkInteger(`${name}.times`, times, 1), ready: readAnswer(name, answer) };
  });
  return () => {
    const [first, second] = steps;
    if (second !== undefined && --first!.left === 0) steps.shift();
    return first!.ready;
  };
}

function readResource(
  at: string,
  route: MockRoute,
  pattern: PathPattern,
  shared: Omit<Endpoint, "methods" | "pattern" | "respond">,
): readonly Endpoint[] {
  if (route.method !== undefined) {
    throw new InvalidArgumentError(`${at}.method`, "must not be there with resource", route.method);
  }
  const resource = new Resource(`${at}.resource`, route.path, route.resource!);
  const one = new PathPattern(`${at}.path`, `${route.path.replace(/\/$/, "")}/:id`);
  return [
    { ...shared, methods: ["GET"], pattern, respond: () => resource.list() },
    { ...shared, methods: ["POST"], pattern, respond: (request) => resource.post(request) },
    { ...shared, methods: ["GET"], pattern: one, respond: (request) => resource.get(request) },
    { ...shared, methods: ["PUT"], pattern: one, respond: (request) => resource.put(request) },
    { ...shared, methods: ["PATCH"], pattern: one, respond: (request) => resource.patch(request) },
    { ...shared, methods: ["DELETE"], pattern: one, respond: (request) => resource.delete(request) },
  ];
}
