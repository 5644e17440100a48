import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { checkJson } from "./json-part.ts";
import { errorAnswer, readAnswer, type ReadyAnswer } from "./mock-answer.ts";
import type { MockRequest } from "./mock-request.ts";

/** Items in memory, behind the usual requests. */
export interface MockResource {
  /** At the start. Default none. */
  readonly items?: readonly Readonly<Record<string, unknown>>[];
  /** The member that tells items apart: text or an integer. Default `id`. */
  readonly idField?: string;
  /** One more is refused with 507. Default 10 000. */
  readonly maxItems?: number;
}

type Item = Readonly<Record<string, unknown>>;

const defaultMaxItems = 10_000;
const maxIdLength = 200;

/** GET of all and of one, POST, PUT, PATCH (JSON Merge Patch, RFC 7396) and DELETE. */
export class Resource {
  readonly #path: string;
  readonly #idField: string;
  readonly #maxItems: number;
  readonly #items = new Map<string, Item>();
  #next = 1;

  /** @throws InvalidArgumentError that names `name` */
  constructor(name: string, path: string, options: MockResource) {
    checkOptionNames(name, options, ["items", "idField", "maxItems"]);
    this.#path = path;
    const { idField = "id", items = [] } = options;
    if (typeof idField !== "string" || idField === "" || idField === "__proto__") {
      throw new InvalidArgumentError(`${name}.idField`, "must be a name", idField);
    }
    this.#idField = idField;
    this.#maxItems = checkInteger(`${name}.maxItems`, options.maxItems ?? defaultMaxItems, 1);
    if (!Array.isArray(items) || items.length > this.#maxItems) {
      throw new InvalidArgumentError(`${name}.items`, `must be a list of at most ${this.#maxItems}`, items);
    }
    for (const [at, item] of items.entries()) this.#putFirst(`${name}.items[${at}]`, item);
  }

  list(): ReadyAnswer {
    return json(200, [...this.#items.values()]);
  }

  get({ params }: MockRequest): ReadyAnswer {
    const item = this.#items.get(params["id"] ?? "");
    return item === undefined ? this.#missing(params) : json(200, item);
  }

  post(request: MockRequest): ReadyAnswer {
    const given = readItem(request);
    if ("refusal" in given) return given.refusal;
    const own = given.item[this.#idField];
    if (own !== undefined && !isId(own)) return errorAnswer(422, `${this.#idField} must be text or an integer`);
    if (own !== undefined && this.#items.has(String(own))) {
      return errorAnswer(409, `there is one with ${this.#idField} ${String(own)} already`);
    }
    if (this.#items.size >= this.#maxItems) return errorAnswer(507, `there are ${this.#maxItems} items already`);
    const id = own ?? this.#freeId();
    const item = { [this.#idField]: id, ...given.item };
    this.#put(item);
    const location = `${request.path.replace(/\/$/, "")}/${encodeURIComponent(String(id))}`;
    const answer = json(201, item);
    return { ...answer, headers: { ...answer.headers, location } };
  }

  put(request: MockRequest): ReadyAnswer {
    return this.#change(request, (_old, item) => item);
  }

  patch(request: MockRequest): ReadyAnswer {
    return this.#change(request, (old, change) => mergePatch(old, change) as Item);
  }

  delete({ params }: MockRequest): ReadyAnswer {
    if (!this.#items.delete(params["id"] ?? "")) return this.#missing(params);
    return { status: 204, headers: {}, body: new Uint8Array() };
  }

  /** The path's id wins over that of the body. */
  #change(request: MockRequest, change: (old: Item, given: Item) => Item): ReadyAnswer {
    const old = this.#items.get(request.params["id"] ?? "");
    if (old === undefined) return this.#missing(request.params);
    const given = readItem(request);
    if ("refusal" in given) return given.refusal;
    const item = { ...change(old, given.item), [this.#idField]: old[this.#idField] };
    this.#put(item);
    return json(200, item);
  }

  #putFirst(name: string, item: unknown): void {
    const copy = checkJson(name, item);
    if (!isObject(copy)) throw new InvalidArgumentError(name, "must be an object", item);
    const id = copy[this.#idField];
    if (!isId(id)) throw new InvalidArgumentError(`${name}.${this.#idField}`, "must be text or an integer", id);
    if (this.#items.has(String(id))) {
      throw new InvalidArgumentError(`${name}.${this.#idField}`, "must not be there twice", id);
    }
    this.#put(copy);
  }

  #put(item: Item): void {
    const id = item[this.#idField];
    this.#items.set(String(id), item);
    if (typeof id === "number" && id >= this.#next) this.#next = id + 1;
  }

  /** A number: also where other items are known by texts, which may look like one. */
  #freeId(): number {
    while (this.#items.has(String(this.#next))) this.#next++;
    return this.#next;
  }

  #missing(params: Readonly<Record<string, string>>): ReadyAnswer {
    return errorAnswer(404, `there is none with ${this.#idField} ${params["id"] ?? ""} in ${this.#path}`);
  }
}

/** RFC 7396, section 2. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map<string, unknown>(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

function readItem({ headers, json }: MockRequest): { readonly item: Item } | { readonly refusal: ReadyAnswer } {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  if (!/^application\/([\w.+-]+\+)?json$/i.test(type.trim())) {
    return {
      refusal: errorAnswer(415, `the body must be application/json (got ${JSON.stringify(type.slice(0, 80))})`),
    };
  }
  if (json === undefined) return { refusal: errorAnswer(400, "the body is no JSON") };
  if (!isObject(json)) return { refusal: errorAnswer(422, "the body must be a JSON object") };
  try {
    JSON.stringify(json);
  } catch {
    // What is kept must be tellable again.
    return { refusal: errorAnswer(400, "the body is nested too deeply") };
  }
  return { item: json };
}

function json(status: number, value: unknown): ReadyAnswer {
  return readAnswer("answer", { status, json: value });
}

function isObject(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is string | number {
  if (typeof value === "string") return value !== "" && value.length <= maxIdLength;
  return Number.isSafeInteger(value);
}
