import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../../errors/index.ts";
import { mockService, type MockRoute, type MockService } from "./index.ts";
import { get, rawExchange } from "./testing/raw-exchange.ts";

const named = (path: string, rest: Partial<MockRoute> = {}): MockRoute => ({
  path,
  answer: { text: rest.name ?? path },
  ...rest,
});

const routes: readonly MockRoute[] = [
  named("/users"),
  named("/users/:id"),
  named("/users/me"),
  named("/users/:id/orders/*"),
  named("/users/:id/orders/latest"),
  named("/search", { name: "all" }),
  named("/search", { name: "page", query: { page: { matches: "^\\d+$" } } }),
  named("/search", { name: "both", query: { page: "1", tag: ["a", "b"] } }),
  named("/search", { name: "secret", headers: { "X-Key": { contains: "s3" } } }),
  named("/search", { name: "nothing", query: { none: { present: true }, page: { present: false } } }),
  named("/orders", { name: "big", method: "POST", body: { total: 100, lines: [{ sku: "a" }] } }),
  named("/orders", { name: "order", method: ["POST", "put"] }),
  named("/caf%C3%A9/a%2Fb", { name: "coffee" }),
  named("/any", { method: "*" }),
];

let service: MockService;

beforeAll(async () => {
  service = await mockService({ routes });
});

afterAll(() => service.close());

async function ask(line: string, init: RequestInit = {}): Promise<string> {
  const [method = "", path = ""] = line.split(" ");
  const response = await fetch(`${service.url}${path}`, { method, ...init });
  return `${response.status} ${await response.text()}`;
}

describe("the most specific route answers", () => {
  it.each<[string, string]>([
    ["GET /users", "/users"],
    ["GET /users/3", "/users/:id"],
    ["GET /users/me", "/users/me"],
    ["GET /users/3/orders/9", "/users/:id/orders/*"],
    ["GET /users/3/orders/latest", "/users/:id/orders/latest"],
    ["GET /search", "all"],
    ["GET /search?page=7", "page"],
    ["GET /search?page=x", "all"],
    ["GET /search?tag=b&page=1&tag=a", "both"],
    ["GET /search?none", "nothing"],
    ["GET /caf%C3%A9/a%2Fb", "coffee"],
    ["PUT /orders", "order"],
    ["PURGE /any", "/any"],
  ])("%s: %s", async (line, expected) => {
    expect(await ask(line)).toBe(`200 ${expected}`);
  });

  it("by headers and by parts of the body", async () => {
    expect(await ask("GET /search", { headers: { "x-key": "my-s3cret" } })).toBe("200 secret");
    const body = JSON.stringify({ total: 100, lines: [{ sku: "a", count: 2 }], note: "" });
    expect(await ask("POST /orders", { body })).toBe("200 big");
    expect(await ask("POST /orders", { body: body.replace("100", "99") })).toBe("200 order");
    expect(await ask("POST /orders", { body: "{" })).toBe("200 order");
  });

  it("and of two that are equal, the newer, until it is gone", async () => {
    using newer = service.route({ path: "/users/:name", answer: ({ params }) => ({ json: params }) });
    expect(newer.name).toBe("GET /users/:name");
    expect(await ask("GET /users/a%20b%2Fc")).toBe('200 {"name":"a b/c"}');
    newer.remove();
    expect(await ask("GET /users/3")).toBe("200 /users/:id");
  });
});

describe("what is not there", () => {
  it.each<[string, number, RegExp, string | null]>([
    ["GET /user", 404, /nothing is at GET \/user".*"routes":\["GET \/users"/, null],
    ["GET /users/3/", 404, /nothing is at/, null],
    ["GET /users//orders/1", 404, /nothing is at/, null],
    ["GET /%zz", 400, /not encoded correctly/, null],
    ["POST /users", 405, /POST is not for \/users; there is GET, HEAD, OPTIONS/, "GET, HEAD, OPTIONS"],
    ["DELETE /orders", 405, /there is POST, PUT, OPTIONS/, "POST, PUT, OPTIONS"],
  ])("%s: %d", async (line, status, message, allow) => {
    const [method = "", path = ""] = line.split(" ");
    const response = await fetch(`${service.url}${path}`, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([status, allow]);
    expect(await response.text()).toMatch(message);
  });

  it("says which routes it would be, where only a condition is not met", async () => {
    using _ = service.route({ path: "/only", query: { a: "1" }, answer: {} });
    const response = await fetch(`${service.url}/only?a=2`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: expect.stringContaining("but not with this query"),
      routes: ["GET /only"],
    });
  });
});

describe("HEAD and OPTIONS", () => {
  it("HEAD is GET without the body", async () => {
    const raw = await rawExchange(
      service.address,
      "HEAD /users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    expect(raw.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*content-length: 6\r\n[^]*\r\n\r\n$/);
  });

  it.each([
    ["/users/me", "GET, HEAD, OPTIONS"],
    ["/orders", "POST, PUT, OPTIONS"],
    ["*", "GET, HEAD, OPTIONS"],
  ])("OPTIONS %s: %s", async (path, allow) => {
    const answer = Promise.withResolvers<readonly [number | undefined, string | undefined]>();
    const request = httpRequest(service.url, { method: "OPTIONS", path }, (response) => {
      response.resume();
      answer.resolve([response.statusCode, response.headers.allow]);
    });
    request.on("error", answer.reject).end();
    expect(await answer.promise).toEqual([204, allow]);
  });

  it("a proxy's clients name the host too", async () => {
    const close = "\r\nConnection: close\r\n\r\n";
    const raw = await rawExchange(service.address, get("http://other:1/users/me?a=b").replace("\r\n\r\n", close));
    expect(raw.text).toContain("/users/me");
  });
});

it("answers one after the other, the last from then on", async () => {
  using _ = service.route({
    path: "/flaky",
    sequence: [{ status: 503, times: 2, text: "no" }, { text: "yes" }],
  });
  const answers: string[] = [];
  for (let call = 0; call < 4; call++) answers.push(await ask("GET /flaky"));
  expect(answers).toEqual(["503 no", "503 no", "200 yes", "200 yes"]);
});

it("tells of a handler that fails, and of an answer that is none", async () => {
  using _ = service.route({ path: "/throws", answer: () => Promise.reject(new Error("out of ideas")) });
  expect(await ask("GET /throws")).toBe('500 {"error":"the handler of GET /throws failed: out of ideas"}');
  using __ = service.route({ path: "/wrong", answer: () => ({ status: 42 }) });
  expect(await ask("GET /wrong")).toContain("the handler's answer.status must be an integer >= 200");
  expect(service.received({ route: "GET /throws" }).requests[0]?.error).toContain("out of ideas");
});

describe("a route that is none", () => {
  it.each<[unknown, string]>([
    [{ path: "users", answer: {} }, "route.path must be a path that starts with /"],
    [{ path: "/a?b=1", answer: {} }, "route.path must have no ? and no #"],
    [{ path: "/**/a", answer: {} }, "route.path must have ** only at its end"],
    [{ path: "/:a/:a", answer: {} }, "route.path must name no parameter twice"],
    [{ path: "/:a-b", answer: {} }, "route.path must name its parameters with letters"],
    [{ path: "/%", answer: {} }, "route.path must be percent-encoded correctly"],
    [{ path: "/a" }, "route must have one of answer, sequence, resource"],
    [{ path: "/a", answer: {}, sequence: [{}] }, "route must have one of answer, sequence, resource"],
    [{ path: "/a", answers: {} }, "route.answers is no option"],
    [{ path: "/a", answer: { status: 99 } }, "route.answer.status must be an integer >= 200 and <= 599 (got 99)"],
    [{ path: "/a", answer: { json: 1, text: "" } }, "route.answer must have only one of json, text, bytes"],
    [{ path: "/a", answer: { status: 204, text: "x" } }, "route.answer.text must not be there with status 204"],
    [{ path: "/a", answer: { headers: { "a b": "c" } } }, "route.answer.headers.a b must be a header's name"],
    [{ path: "/a", answer: { headers: { a: "b\r\nc: d" } } }, "route.answer.headers.a must be a header's name"],
    [{ path: "/a", answer: { headers: { "Content-Length": "1" } } }, "Content-Length is set by the service"],
    [{ path: "/a", answer: { json: 1n } }, "route.answer.json must be what JSON can say"],
    [{ path: "/a", sequence: [] }, "route.sequence must be a list of 1 to 1000 answers"],
    [{ path: "/a", sequence: [{ times: 0 }] }, "route.sequence[0].times must be an integer >= 1 (got 0)"],
    [{ path: "/a", method: "", answer: {} }, "route.method must be a method"],
    [{ path: "/a", method: [], answer: {} }, "route.method must name a method"],
    [{ path: "/a", query: { a: 1 }, answer: {} }, "route.query.a must be text, or"],
    [{ path: "/a", query: { a: { matches: "(" } }, answer: {} }, "route.query.a.matches must be a regular expression"],
    [{ path: "/a", headers: { a: {} }, answer: {} }, "route.headers.a must have one of contains, matches and present"],
    [{ path: "/a", method: "GET", resource: {} }, "route.method must not be there with resource"],
    [
      { path: "/a", resource: { items: [{ id: 1 }, { id: "1" }] } },
      "route.resource.items[1].id must not be there twice",
    ],
    [{ path: "/a", resource: { items: [{}] } }, "route.resource.items[0].id must be text or an integer"],
    [{ path: "/a", name: "", answer: {} }, "route.name must be text of at most 200 letters"],
    [null, "route options must be an object"],
  ])("%#: %s", (route, message) => {
    expect(() => service.route(route as MockRoute)).toThrow(InvalidArgumentError);
    expect(() => service.route(route as MockRoute)).toThrow(message);
  });

  it("names are unique: one that was given is refused, one that was not is told apart", () => {
    using first = service.route({ path: "/twice", answer: {} });
    using second = service.route({ path: "/twice", answer: {} });
    expect([first.name, second.name]).toEqual(["GET /twice", "GET /twice #2"]);
    expect(() => service.route({ name: "GET /twice", path: "/x", answer: {} })).toThrow("route.name must be unique");
  });

  it("there are at most as many as is allowed", async () => {
    await using small = await mockService({ maxRoutes: 1, routes: [{ path: "/a", answer: {} }] });
    expect(() => small.route({ path: "/b", answer: {} })).toThrow("route must be one of at most 1 routes (got 2)");
  });
});
