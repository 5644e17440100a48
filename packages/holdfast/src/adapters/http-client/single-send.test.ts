import { describe, expect, it } from "vitest";
import { isRetryable, RetriesExhaustedError, retry } from "../../resilience/index.ts";
import { HttpStatusError } from "./http-status-error.ts";
import { ownFailure, RequestNotRepeatedError, SingleSend, statusErrorOf } from "./single-send.ts";

const failed = new HttpStatusError({
  status: 503,
  headers: {},
  method: "POST",
  url: "http://127.0.0.1/",
  retryable: false,
  response: undefined,
});

describe("SingleSend", () => {
  it("lets a request that may be repeated pass as often as it is asked for", async () => {
    const sends = new SingleSend(true);
    expect([await sends.run(async () => 1), await sends.run(async () => 2)]).toEqual([1, 2]);
    const lost = new Error("lost");
    await expect(sends.run(() => Promise.reject(lost))).rejects.toBe(lost);
  });

  it("sends any other once, whatever asks again, and hides its failure from retries", async () => {
    const sends = new SingleSend(false);
    const lost = new Error("lost");
    let sent = 0;
    const send = (): Promise<never> => (sent++, Promise.reject(lost));
    const first: unknown = await sends.run(send).catch((error: unknown) => error);
    const second: unknown = await sends.run(send).catch((error: unknown) => error);
    expect(sent).toBe(1);
    for (const error of [first, second]) {
      expect(error).toBeInstanceOf(RequestNotRepeatedError);
      expect(isRetryable(error)).toBe(false);
      expect(ownFailure(error)).toBe(lost);
    }
  });

  it("refuses a second one beside the first, when nothing has failed yet", async () => {
    const sends = new SingleSend(false);
    const first = Promise.withResolvers<string>();
    const result = sends.run(() => first.promise);
    const error: unknown = await sends.run(async () => "twice").catch((error: unknown) => error);
    expect(ownFailure(error)).toBe(error);
    expect(error).toMatchObject({ code: "REQUEST_NOT_REPEATED", kind: "network" });
    first.resolve("once");
    expect(await result).toBe("once");
  });

  it("leaves the status of an answer to be seen", async () => {
    await expect(new SingleSend(false).run(() => Promise.reject(failed))).rejects.toBe(failed);
  });

  it.each([{ code: "ERR_INVALID_URL" }, { cause: { code: "UND_ERR_INVALID_ARG" } }])(
    "what is wrong in itself is not retried: %j",
    async (parts) => {
      const wrong = Object.assign(new Error("wrong"), parts);
      const sends = new SingleSend(true);
      const policy = retry();
      const error: unknown = await policy
        .execute(() => sends.run(() => Promise.reject(wrong)))
        .catch((error: unknown) => error);
      expect(ownFailure(error)).toBe(wrong);
      expect(policy.metrics.retries).toBe(0);
    },
  );
});

describe("statusErrorOf", () => {
  it("finds it behind what policies put around it, and nothing in a circle", () => {
    expect(statusErrorOf(new RetriesExhaustedError("", 3, "attempts", [failed]))).toBe(failed);
    expect(statusErrorOf(new Error("other", { cause: { status: 503 } }))).toBeUndefined();
    const circle = new Error("circle");
    circle.cause = circle;
    expect(statusErrorOf(circle)).toBeUndefined();
  });
});
