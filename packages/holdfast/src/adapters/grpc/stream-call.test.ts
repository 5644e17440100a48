import { once } from "node:events";
import { Metadata, status, type ServerDuplexStream, type ServerWritableStream, type ServiceError } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { bulkhead, circuitBreaker, retry, timeout, type Policy } from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { FailingService, type EchoClient, type EchoHandlers } from "./testing/failing-service.ts";
import { resilienceInterceptor } from "./index.ts";

const sick = Object.assign(new Error("sick"), { code: status.UNAVAILABLE, details: "sick" });

function clientOf(service: FailingService, policy: Policy<unknown>): EchoClient {
  return service.client({ interceptors: [resilienceInterceptor(policy)] });
}

/** Streams that the server opened and that wait for what a test does with them. */
function held(): {
  handlers: EchoHandlers;
  calls: ServerWritableStream<string, string>[];
  opened: () => Promise<void>;
} {
  const calls: ServerWritableStream<string, string>[] = [];
  let wake = (): void => {};
  const list = (call: ServerWritableStream<string, string>): void => {
    calls.push(call);
    wake();
  };
  const opened = (): Promise<void> => new Promise((resolve) => void (wake = resolve));
  return { handlers: { list }, calls, opened };
}

async function all(stream: AsyncIterable<string>): Promise<string[]> {
  const messages: string[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

describe("streams", () => {
  it("from the server: the permit is out until the status, not only until the first message", async () => {
    const { handlers, calls, opened } = held();
    using service = await FailingService.start([], handlers);
    const places = bulkhead({ maxConcurrent: 1, maxQueue: 0 });
    const client = clientOf(service, places);
    const isOpen = opened();
    const stream = client.list("all", new Metadata(), {});
    await isOpen;
    calls[0]?.write("one");
    expect(await once(stream, "data")).toEqual(["one"]);
    const refused = client.list("more", new Metadata(), {});
    const [error] = (await once(refused, "error")) as [ServiceError & { cause?: unknown }];
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, cause: { code: "BULKHEAD_FULL" } });
    const rest = all(stream);
    calls[0]?.write("two");
    calls[0]?.end();
    expect(await rest).toEqual(["two"]);
    expect(calls.map(({ request }) => request)).toEqual(["all"]);
    expect(places.metrics.active).toBe(0);
  });

  it("from the client: what is written while the call waits for its turn goes out then, in order", async () => {
    const collect: EchoHandlers["collect"] = (call, done) => {
      const messages: string[] = [];
      call.on("data", (message: string) => messages.push(message));
      call.on("end", () => done(null, messages.join("+")));
    };
    using service = await FailingService.start([], { collect });
    const places = bulkhead({ maxConcurrent: 1 });
    const permit = places.tryAcquire();
    const client = clientOf(service, places);
    const answer = Promise.withResolvers<string | undefined>();
    const stream = client.collect(new Metadata(), {}, (error, sum) =>
      error === null ? answer.resolve(sum) : answer.reject(error),
    );
    for (const message of ["a", "b", "c"]) stream.write(message);
    stream.end();
    expect([places.metrics.active, places.metrics.waiting]).toEqual([1, 1]);
    permit?.release();
    expect(await answer.promise).toBe("a+b+c");
    expect(places.metrics.active).toBe(0);
  });

  it("both ways: never begun twice, and a failure counts", async () => {
    let begun = 0;
    const chat = (call: ServerDuplexStream<string, string>): void => {
      begun++;
      call.on("data", (message: string) => {
        call.write(`re: ${message}`);
        call.emit("error", sick);
      });
    };
    using service = await FailingService.start([], { chat });
    const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 1 } });
    const clock = new VirtualClock();
    const eager = retry({ clock, retryOn: () => true, backoff: [0, 0] });
    const nested: Policy<unknown> = {
      ...eager,
      execute: (operation, options) => eager.execute((context) => breaker.execute(() => operation(context)), options),
    };
    const stream = clientOf(service, nested).chat(new Metadata(), {});
    const messages: string[] = [];
    stream.on("data", (message: string) => messages.push(message));
    stream.write("hello");
    const [error] = (await once(stream, "error")) as [ServiceError];
    expect(error).toMatchObject({ code: status.UNAVAILABLE, details: "sick" });
    expect(messages).toEqual(["re: hello"]);
    await clock.advance(1_000);
    expect(begun).toBe(1);
    expect(breaker.state).toBe("open");
  });

  it("cancelled while waiting: its place in the queue is free at once, and the server hears nothing", async () => {
    const { handlers, calls } = held();
    using service = await FailingService.start([], handlers);
    const places = bulkhead({ maxConcurrent: 1 });
    using _ = places.tryAcquire();
    const stream = clientOf(service, places).list("x", new Metadata(), {});
    expect(places.metrics.waiting).toBe(1);
    stream.cancel();
    const [error] = (await once(stream, "error")) as [ServiceError];
    expect(error).toMatchObject({ code: status.CANCELLED, details: "Cancelled on client" });
    expect(places.metrics.waiting).toBe(0);
    expect(calls).toHaveLength(0);
  });

  it("cancelled while running: the server hears of it, and the permit comes back", async () => {
    const { handlers, calls, opened } = held();
    using service = await FailingService.start([], handlers);
    const places = bulkhead({ maxConcurrent: 1 });
    const isOpen = opened();
    const stream = clientOf(service, places).list("x", new Metadata(), {});
    await isOpen;
    const cancelled = once(calls[0] as ServerWritableStream<string, string>, "cancelled");
    stream.cancel();
    const [error] = (await once(stream, "error")) as [ServiceError];
    expect(error.code).toBe(status.CANCELLED);
    await cancelled;
    expect(places.metrics.active).toBe(0);
  });

  it("a timeout ends it with DEADLINE_EXCEEDED, and a deadline also while it waits", async () => {
    const { handlers, calls, opened } = held();
    using service = await FailingService.start([], handlers);
    const clock = new VirtualClock();
    const isOpen = opened();
    const stream = clientOf(service, timeout({ timeoutMs: 100, clock })).list("x", new Metadata(), {});
    await isOpen;
    const failed = once(stream, "error") as Promise<[ServiceError]>;
    await clock.advance(100);
    expect((await failed)[0]).toMatchObject({ code: status.DEADLINE_EXCEEDED, details: /timed out after 100 ms/ });
    expect(calls).toHaveLength(1);

    const places = bulkhead({ maxConcurrent: 1 });
    using _ = places.tryAcquire();
    const waiting = clientOf(service, places).list("y", new Metadata(), { deadline: Date.now() + 50 });
    const [late] = (await once(waiting, "error")) as [ServiceError];
    expect(late.code).toBe(status.DEADLINE_EXCEEDED);
    expect(places.metrics.waiting).toBe(0);
    expect(calls).toHaveLength(1);
  });
});
