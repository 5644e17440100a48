import { afterAll, beforeAll, expect, it } from "vitest";
import { mockService, type MockService } from "./index.ts";

let service: MockService;

beforeAll(async () => {
  const users = [1, 2, 3].map((id) => ({ id, name: `User ${id}`, mail: { home: `u${id}@a`, work: null } }));
  service = await mockService({
    routes: [
      { path: "/users", resource: { items: users } },
      { path: "/teams", resource: { idField: "slug", maxItems: 1 } },
    ],
  });
});

afterAll(() => service.close());

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly location: string | null;
}

async function ask(line: string, body?: unknown, type: string = "application/json"): Promise<Answer> {
  const [method = "", path = ""] = line.split(" ");
  const response = await fetch(`${service.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    headers: { "content-type": type },
  });
  const text = await response.text();
  const parsed: unknown = text === "" ? null : JSON.parse(text);
  return { status: response.status, body: parsed, location: response.headers.get("location") };
}

it("lists, gets, makes, replaces, changes and deletes", async () => {
  expect((await ask("GET /users")).body).toHaveLength(3);
  expect(await ask("GET /users/3")).toMatchObject({ status: 200, body: { id: 3, name: "User 3" } });
  const made = { id: 4, name: "Ada" };
  expect(await ask("POST /users", { name: "Ada" })).toEqual({ status: 201, body: made, location: "/users/4" });
  expect(await ask("GET /users/4")).toMatchObject({ status: 200, body: made });
  const replaced = { status: 200, body: { id: 2, name: "New" } };
  expect(await ask("PUT /users/2", { id: 77, name: "New" })).toMatchObject(replaced);
  // RFC 7396: null takes a member away, objects are gone into.
  const change = { name: null, mail: { work: "w" }, age: 36 };
  const changed = { id: 3, mail: { home: "u3@a", work: "w" }, age: 36 };
  expect((await ask("PATCH /users/3", change, "application/merge-patch+json")).body).toEqual(changed);
  expect(await ask("DELETE /users/1")).toMatchObject({ status: 204, body: null });
  expect((await ask("GET /users")).body).toEqual([{ id: 2, name: "New" }, changed, made]);
  // An id is not given twice.
  await ask("DELETE /users/4");
  expect((await ask("POST /users", {})).body).toEqual({ id: 5 });
});

it.each<[string, unknown, string, number, string]>([
  ["GET /users/9", undefined, "application/json", 404, "there is none with id 9 in /users"],
  ["PUT /users/9", {}, "application/json", 404, "there is none"],
  ["PATCH /users/9", {}, "application/json", 404, "there is none"],
  ["DELETE /users/9", undefined, "application/json", 404, "there is none"],
  ["POST /users/2", {}, "application/json", 405, "POST is not for /users/2; there is GET, HEAD, PUT, PATCH, DELETE"],
  ["DELETE /users", undefined, "application/json", 405, "there is GET, HEAD, POST, OPTIONS"],
  ["POST /users", "{", "application/json", 400, "the body is no JSON"],
  ["POST /users", "[".repeat(200_000) + "]".repeat(200_000), "application/json", 422, "must be a JSON object"],
  ["POST /users", "[]", "application/json", 422, "the body must be a JSON object"],
  ["POST /users", "a=b", "application/x-www-form-urlencoded", 415, "the body must be application/json (got"],
  ["POST /users", { id: 2 }, "application/json", 409, "there is one with id 2 already"],
  ["POST /users", { id: {} }, "application/json", 422, "id must be text or an integer"],
])("%s, refused: %#", async (line, body, type, status, message) => {
  expect(await ask(line, body, type)).toMatchObject({ status, body: { error: expect.stringContaining(message) } });
});

it("holds no more than it may, under ids of another name", async () => {
  expect((await ask("POST /teams", { slug: "a b" })).location).toBe("/teams/a%20b");
  expect(await ask("GET /teams/a%20b")).toMatchObject({ status: 200, body: { slug: "a b" } });
  expect(await ask("POST /teams", {})).toMatchObject({ status: 507, body: { error: "there are 1 items already" } });
});

it("is no way to what objects have by themselves", async () => {
  await ask("POST /users", '{"id": "__proto__", "__proto__": {"polluted": true}}');
  expect((await ask("PATCH /users/2", '{"__proto__": {"polluted": true}}')).status).toBe(200);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(await ask("GET /users/__proto__")).toMatchObject({ status: 200, body: { id: "__proto__" } });
  expect((await ask("GET /users/constructor")).status).toBe(404);
});
