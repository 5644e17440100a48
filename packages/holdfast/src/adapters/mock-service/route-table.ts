import { InvalidArgumentError } from "../../errors/base.ts";
import { readRoute, type Endpoint, type MockRoute } from "./mock-route.ts";
import type { ReceivedRequest } from "./mock-request.ts";

export type Found =
  | { readonly kind: "found"; readonly endpoint: Endpoint; readonly params: Readonly<Record<string, string>> }
  /** The path is there, for other methods. */
  | { readonly kind: "method"; readonly allow: readonly string[] }
  /** Nothing is there, or only routes whose conditions the request does not meet. */
  | { readonly kind: "none"; readonly unmet: readonly string[] };

/** What one knows of a route. */
export interface MockRouteInfo {
  readonly name: string;
  readonly methods: readonly string[];
  readonly path: string;
}

interface Row {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
}

/** All routes, the most specific first: by path, then by the number of conditions, then the newest. */
export class RouteTable {
  readonly #maxRoutes: number;
  #rows: readonly Row[] = [];
  #endpoints: readonly Endpoint[] = [];
  #added = 0;

  constructor(maxRoutes: number) {
    this.#maxRoutes = maxRoutes;
  }

  get routes(): readonly MockRouteInfo[] {
    return this.#rows.map(({ name, endpoints }) => ({
      name,
      methods: [...new Set(endpoints.flatMap(({ methods }) => methods))],
      path: endpoints[0]!.pattern.text,
    }));
  }

  has(name: string): boolean {
    return this.#rows.some((row) => row.name === name);
  }

  /** @throws InvalidArgumentError that names `at`; then nothing has changed */
  add(at: string, route: MockRoute): string {
    const row = this.#read(at, route, this.#rows);
    this.#set([...this.#rows, row]);
    return row.name;
  }

  remove(name: string): boolean {
    const rows = this.#rows.filter((row) => row.name !== name);
    const removed = rows.length < this.#rows.length;
    if (removed) this.#set(rows);
    return removed;
  }

  /** Reads all of them, and changes nothing yet: what is returned does. @throws InvalidArgumentError that names `at` */
  prepare(at: string, routes: readonly MockRoute[]): { readonly names: readonly string[]; commit(): void } {
    if (!Array.isArray(routes)) throw new InvalidArgumentError(at, "must be a list", routes);
    const rows: Row[] = [];
    for (const [index, route] of routes.entries()) rows.push(this.#read(`${at}[${index}]`, route, rows));
    return { names: rows.map(({ name }) => name), commit: () => this.#set(rows) };
  }

  find(request: ReceivedRequest, path: readonly string[]): Found {
    const here = this.#endpoints.flatMap((endpoint) => {
      const params = endpoint.pattern.match(path);
      return params === undefined ? [] : [{ endpoint, params }];
    });
    const meant = [request.method, ...(request.method === "HEAD" ? ["GET"] : [])].flatMap((method) =>
      here.filter(({ endpoint }) => endpoint.methods.includes(method) || endpoint.methods.includes("*")),
    );
    const found = meant.find(({ endpoint }) => endpoint.meets(request));
    if (found !== undefined) return { kind: "found", ...found };
    if (meant.length > 0 || here.length === 0) {
      return { kind: "none", unmet: [...new Set(meant.map(({ endpoint }) => endpoint.route))] };
    }
    return { kind: "method", allow: allowed(here.flatMap(({ endpoint }) => endpoint.methods)) };
  }

  /** The methods of all that is there, for OPTIONS. */
  allowedAt(path: readonly string[]): readonly string[] {
    const here = this.#endpoints.filter((endpoint) => endpoint.pattern.match(path) !== undefined);
    return here.length === 0 ? [] : allowed(here.flatMap(({ methods }) => methods));
  }

  #read(at: string, route: MockRoute, others: readonly Row[]): Row {
    if (others.length >= this.#maxRoutes) {
      throw new InvalidArgumentError(at, `must be one of at most ${this.#maxRoutes} routes`, others.length + 1);
    }
    const endpoints = readRoute(at, route, ++this.#added);
    const asked = endpoints[0]!.route;
    const isTaken = (name: string): boolean => others.some((row) => row.name === name);
    if (!isTaken(asked)) return { name: asked, endpoints };
    if (route.name !== undefined) throw new InvalidArgumentError(`${at}.name`, "must be unique", asked);
    let number = 2;
    while (isTaken(`${asked} #${number}`)) number++;
    const name = `${asked} #${number}`;
    return { name, endpoints: endpoints.map((endpoint) => ({ ...endpoint, route: name })) };
  }

  #set(rows: readonly Row[]): void {
    this.#rows = rows;
    this.#endpoints = rows
      .flatMap(({ endpoints }) => endpoints)
      .toSorted(
        (a, b) =>
          a.pattern.compare(b.pattern) || b.conditions - a.conditions || isAny(a) - isAny(b) || b.order - a.order,
      );
  }
}

function isAny({ methods }: Endpoint): number {
  return methods.includes("*") ? 1 : 0;
}

/** What Allow says (RFC 9110, section 10.2.1); HEAD comes with GET, and OPTIONS is always answered. */
function allowed(methods: readonly string[]): readonly string[] {
  if (methods.includes("*")) return ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
  return [...new Set([...methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"])];
}
