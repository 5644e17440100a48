import { describe, expect, it } from "vitest";
import { HoldfastError } from "../../errors/index.ts";
import { isRetryable, retryAfter } from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { HttpStatusError, type HttpStatusErrorOptions } from "./http-status-error.ts";

function make(options: Partial<HttpStatusErrorOptions> = {}): HttpStatusError {
  const url = "http://user:secret@127.0.0.1/path?token=1#part";
  return new HttpStatusError({
    status: 503,
    headers: {},
    method: "GET",
    url,
    retryable: true,
    response: undefined,
    ...options,
  });
}

describe("HttpStatusError", () => {
  it.each([
    [408, "timeout"],
    [429, "resource"],
    [500, "system"],
    [502, "network"],
    [503, "resource"],
    [504, "timeout"],
    [404, "business"],
  ])("%i is of kind %s", (status, kind) => {
    expect(make({ status })).toMatchObject({ code: "HTTP_STATUS", kind, status });
  });

  it("says what was asked, without what is secret, and logs no answer", () => {
    const error = make({ headers: { "set-cookie": ["a"] }, response: { body: "b" } });
    expect(error.message).toBe("HTTP 503 from GET http://127.0.0.1/path");
    expect(Object.keys(error)).not.toContain("response");
    expect(Object.keys(error)).not.toContain("headers");
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "HttpStatusError",
      code: "HTTP_STATUS",
      kind: "resource",
      retryable: true,
      message: error.message,
      status: 503,
    });
  });

  it.each<[string, HttpStatusErrorOptions["headers"], number | undefined, number | undefined]>([
    ["seconds in a plain object", { "retry-after": "7" }, 7_000, 7_000],
    ["seconds in Headers", new Headers({ "Retry-After": "7" }), 7_000, 7_000],
    ["a date", new Headers({ "Retry-After": "Thu, 01 Jan 2026 00:00:20 GMT" }), undefined, 20_000],
    ["nothing", {}, undefined, undefined],
    ["nonsense", { "retry-after": "soon" }, undefined, undefined],
  ])("Retry-After: %s", (_, headers, own, read) => {
    expect(make({ headers }).retryAfterMs).toBe(own);
    expect(retryAfter(make({ headers }), new VirtualClock())).toBe(read);
  });

  it("is retried if it may be", () => {
    expect([isRetryable(make()), isRetryable(make({ retryable: false }))]).toEqual([true, false]);
    expect(HoldfastError.is(make())).toBe(true);
  });
});
