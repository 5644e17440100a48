import { getEventListeners } from "node:events";
import { Agent } from "node:http";
import { Readable } from "node:stream";
import axios, {
  AxiosError,
  CanceledError,
  create,
  isAxiosError,
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
} from "axios";
import { describe, expect, it } from "vitest";
import {
  CircuitOpenError,
  circuitBreaker,
  fallback,
  hedge,
  pipeline,
  retry,
  timeout,
  type Policy,
} from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { FaultyServer, half, reset, silence, status, type Answer } from "../http-client/testing/faulty-server.ts";
import { skippedWaits } from "../http-client/testing/skipped-waits.ts";
import { attachResilience } from "./index.ts";

type Options = Parameters<typeof attachResilience>[2];

function client(
  server: FaultyServer,
  policy: Policy<unknown>,
  options?: Options,
  config?: AxiosRequestConfig,
): { readonly api: AxiosInstance; readonly detach: () => void } {
  const api = create({ baseURL: server.url, httpAgent: new Agent({ keepAlive: true }), ...config });
  return { api, detach: attachResilience(api, policy, options) };
}

function patience(): { readonly policy: Policy; readonly delays: number[] } {
  const { delays, ...options } = skippedWaits(new VirtualClock());
  return { policy: retry(options), delays };
}

const failureOf = (promise: Promise<unknown>): Promise<AxiosError> =>
  promise.then(
    () => Promise.reject(new Error("it succeeded")),
    (error: AxiosError) => error,
  );

// eslint-disable-next-line import/no-named-as-default-member -- the export of that name is a type
const { CancelToken } = axios;

describe("attachResilience: what is retried", () => {
  it.each<[string, Answer]>([
    ["429", status(429)],
    ["503", status(503)],
    ["a connection that is reset", reset],
    ["a body that breaks off", half(200, (response) => response.socket?.destroy())],
  ])("%s, and then the answer; over one connection unless that is what broke", async (name, fault) => {
    const well = status(200, { "content-type": "application/json" }, '{"a":1}');
    await using server = await FaultyServer.start(fault, fault, well);
    const { data, status: code, config } = await client(server, patience().policy).api.get<unknown>("/path");
    expect([code, data, config.url]).toEqual([200, { a: 1 }, "/path"]);
    expect(server.requests).toHaveLength(3);
    expect(server.connections).toBe(/^\d/.test(name) ? 1 : 3);
  });

  it("waits as long as Retry-After asks", async () => {
    const date = { "retry-after": "Thu, 01 Jan 2026 00:00:20 GMT" };
    await using server = await FaultyServer.start(status(503, { "retry-after": "7" }), status(429, date), status(200));
    const { policy, delays } = patience();
    expect((await client(server, policy).api.get("/")).status).toBe(200);
    expect(delays).toEqual([7_000, 13_000]);
  });

  it("answers that do not come in time, by a policy's limit and by axios's own", async () => {
    for (const [policy, config] of [
      [pipeline(patience().policy, timeout({ timeoutMs: 50 })), {}],
      [patience().policy, { timeout: 50 }],
    ] as const) {
      await using server = await FaultyServer.start(silence, status(200));
      expect((await client(server, policy, {}, config).api.get("/")).status).toBe(200);
      expect(server.requests).toHaveLength(2);
    }
  });

  it("not what the service refuses, and a breaker does not count it", async () => {
    await using server = await FaultyServer.start(status(404, {}, "nowhere"));
    const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 1 } });
    const { api } = client(server, pipeline(patience().policy, breaker));
    const error = await failureOf(api.get("/"));
    expect(error).toBeInstanceOf(AxiosError);
    expect([error.response?.status, error.response?.data, error.code]).toEqual([404, "nowhere", "ERR_BAD_REQUEST"]);
    expect([server.requests.length, breaker.state]).toEqual([1, "closed"]);
  });

  it("not what validateStatus accepts", async () => {
    await using server = await FaultyServer.start(status(503));
    const { api } = client(server, patience().policy);
    expect((await api.get("/", { validateStatus: () => true })).status).toBe(503);
    expect(server.requests).toHaveLength(1);
  });

  it("not what is wrong in itself", async () => {
    await using server = await FaultyServer.start(status(200));
    const { policy, delays } = patience();
    const { api } = client(server, policy, {}, { adapter: "http" });
    expect(await failureOf(api.get("http://["))).toMatchObject({ code: "ERR_INVALID_URL" });
    expect(delays).toEqual([]);
  });
});

describe("attachResilience: when nothing helps", () => {
  it("is the error of axios, transformed as ever", async () => {
    const busy = status(503, { "content-type": "application/json" }, '{"why":"busy"}');
    await using server = await FaultyServer.start(busy);
    const error = await failureOf(client(server, patience().policy).api.get("/"));
    expect(isAxiosError(error)).toBe(true);
    expect([error.response?.status, error.response?.data]).toEqual([503, { why: "busy" }]);
    expect([server.requests.length, server.connections]).toEqual([3, 1]);
  });

  it("also when nobody answers", async () => {
    await using server = await FaultyServer.start(reset);
    const error = await failureOf(client(server, patience().policy).api.get("/"));
    expect(error).toMatchObject({ isAxiosError: true, code: "ECONNRESET" });
    expect(server.requests).toHaveLength(3);
  });

  it("an open breaker keeps requests from the server", async () => {
    await using server = await FaultyServer.start(status(503));
    const { api } = client(server, circuitBreaker({ window: { kind: "consecutive", failures: 2 } }));
    for (let i = 0; i < 2; i++) expect((await failureOf(api.get("/"))).response?.status).toBe(503);
    expect(await failureOf(api.get("/"))).toBeInstanceOf(CircuitOpenError);
    expect(server.requests).toHaveLength(2);
  });

  it("a fallback's value is the data", async () => {
    await using server = await FaultyServer.start(status(503));
    const { data, statusText } = await client(server, fallback({ kept: true })).api.get<unknown>("/");
    expect([data, statusText]).toEqual([{ kept: true }, "fallback"]);
  });

  it("a fallback may ask another service, and policies see what came", async () => {
    await using broken = await FaultyServer.start(status(503));
    await using well = await FaultyServer.start(status(200, {}, "other"));
    const seen: unknown[] = [];
    const inner = retry({ retryOnResult: (result) => (seen.push((result as AxiosResponse).status), false) });
    const policy = pipeline(
      fallback(() => create().get<unknown>(well.url)),
      circuitBreaker(),
      inner,
    );
    const { data } = await client(broken, policy).api.get<unknown>("/", { validateStatus: (code) => code !== 503 });
    expect([data, seen]).toEqual(["other", []]);
    expect((await client(well, policy).api.get<unknown>("/")).data).toBe("other");
    expect(seen).toEqual([200]);
  });

  it("where streams are wanted, failed ones leave their connection free and the last can be read", async () => {
    await using server = await FaultyServer.start(status(503, {}, "busy"));
    const error = await failureOf(client(server, patience().policy).api.get("/", { responseType: "stream" }));
    const chunks = await (error.response as AxiosResponse<Readable>).data.toArray();
    expect(Buffer.concat(chunks).toString()).toBe("busy");
    expect([server.requests.length, server.connections]).toEqual([3, 1]);
  });
});

describe("attachResilience: what is sent", () => {
  const form = new FormData();
  form.set("a", "1");
  it.each<[string, unknown, RegExp]>([
    ["an object", { a: 1 }, /^\{"a":1\}$/],
    ["text", "text", /^text$/],
    ["a buffer", Buffer.from("buffer"), /^buffer$/],
    ["parameters", new URLSearchParams({ a: "1 2" }), /^a=1\+2$/],
    ["a form", form, /name="a"\r\n\r\n1\r\n/],
  ])("%s: by every attempt, with the same headers", async (_, body, sent) => {
    await using server = await FaultyServer.start(status(503), status(503), status(200));
    await client(server, patience().policy).api.put("/", body, { headers: { "x-a": "b" } });
    expect(server.bodies).toHaveLength(3);
    for (const { headers, body } of server.requests) {
      expect(body).toMatch(sent);
      expect(headers["x-a"]).toBe("b");
    }
    const [first, , third] = server.requests.map(({ headers }) => Object.keys(headers).sort());
    expect(third).toEqual(first);
  });

  it("a stream once", async () => {
    await using server = await FaultyServer.start(status(503), status(200));
    const { api } = client(server, patience().policy);
    const error = await failureOf(api.put("/", Readable.from(["one", "time"]), { maxRedirects: 0 }));
    expect([error.response?.status, server.bodies]).toEqual([503, ["onetime"]]);
  });

  it("a POST once, whatever the policies say, also after a timeout", async () => {
    await using server = await FaultyServer.start(status(503), reset, silence);
    const { clock, jitter, onEvent } = skippedWaits(new VirtualClock());
    const stubborn = retry({ clock, jitter, onEvent, retryOn: () => true });
    const { api } = client(server, stubborn);
    expect((await failureOf(api.post("/", "pay"))).response?.status).toBe(503);
    expect((await failureOf(api.post("/", "pay"))).code).toBe("ECONNRESET");
    const hasty = client(server, pipeline(patience().policy, timeout({ timeoutMs: 50 })));
    expect((await failureOf(hasty.api.post("/", "pay"))).code).toBe("OPERATION_TIMED_OUT");
    expect(server.bodies).toEqual(["pay", "pay", "pay"]);
  });

  it("a POST again with an Idempotency-Key, or when the option says so", async () => {
    await using server = await FaultyServer.start(status(503), status(200), status(503), status(200));
    const { policy } = patience();
    await client(server, policy).api.post("/", "pay", { headers: { "Idempotency-Key": "7" } });
    await client(server, policy, { retryNonIdempotent: true }).api.post("/", "pay");
    expect(server.bodies).toEqual(["pay", "pay", "pay", "pay"]);
  });
});

describe("attachResilience: the caller's abort", () => {
  const impatient = (giveUp: () => void): Policy =>
    retry({ backoff: [60_000], jitter: "none", maxDelayMs: 60_000, onEvent: giveUp });

  it("during a wait: the error that axios has for it, and nothing stays on the signal", async () => {
    await using server = await FaultyServer.start(status(503));
    const giveUp = new AbortController();
    const { api } = client(
      server,
      impatient(() => giveUp.abort()),
    );
    expect(await failureOf(api.get("/", { signal: giveUp.signal }))).toBeInstanceOf(CanceledError);
    expect(server.requests).toHaveLength(1);
    expect(getEventListeners(giveUp.signal, "abort")).toEqual([]);
  });

  it("by a cancel token too", async () => {
    await using server = await FaultyServer.start(status(503));
    const { token, cancel } = CancelToken.source();
    const { api } = client(
      server,
      impatient(() => cancel("enough")),
    );
    const error = await failureOf(api.get("/", { cancelToken: token }));
    expect(error).toBeInstanceOf(CanceledError);
    expect(error.message).toBe("enough");
    expect(server.requests).toHaveLength(1);
  });

  it("during a body that is a stream, after a policy with a scope of its own", async () => {
    await using server = await FaultyServer.start(half(200));
    const giveUp = new AbortController();
    const { api } = client(server, pipeline(retry(), timeout({ timeoutMs: 10_000 })));
    const { data } = await api.get<Readable>("/", { responseType: "stream", signal: giveUp.signal });
    const rest = data.toArray();
    giveUp.abort();
    await expect(rest).rejects.toMatchObject({ code: "ERR_CANCELED" });
    await server.cutOff;
  });

  it("a signal that lives long keeps no listeners", async () => {
    await using server = await FaultyServer.start(status(200));
    const { signal } = new AbortController();
    const { api } = client(server, pipeline(retry(), timeout()));
    await Promise.all(Array.from({ length: 20 }, () => api.get("/", { signal })));
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("the hedge that loses is aborted", async () => {
    await using server = await FaultyServer.start(silence, status(200, {}, "second"));
    expect((await client(server, hedge({ delayMs: 10 })).api.get<unknown>("/")).data).toBe("second");
    await server.cutOff;
    expect(server.requests).toHaveLength(2);
  });
});

describe("attachResilience: being attached", () => {
  it("ends with detach, and interceptors run once a request", async () => {
    await using server = await FaultyServer.start(status(503), status(503), status(200), status(503), status(200));
    const { api, detach } = client(server, patience().policy);
    let requests = 0;
    api.interceptors.request.use((config) => (requests++, config));
    expect((await api.get("/")).status).toBe(200);
    detach();
    expect((await failureOf(api.get("/"))).response?.status).toBe(503);
    expect([requests, server.requests.length]).toEqual([2, 4]);
  });

  it("works with the fetch adapter, and with one of the caller's own", async () => {
    await using server = await FaultyServer.start(status(503), status(200, {}, "well"));
    const { api } = client(server, patience().policy);
    expect((await api.get<unknown>("/", { adapter: "fetch" })).data).toBe("well");
    let calls = 0;
    const seen: string[] = [];
    const own: AxiosRequestConfig["adapter"] = async (config) => {
      seen.push(config.headers.toString());
      config.headers.set("x-changed", `${++calls}`);
      if (calls < 3) throw new AxiosError("lost", "ERR_NETWORK", config);
      return { data: "own", status: 200, statusText: "", headers: {}, config };
    };
    expect((await api.get<unknown>("/", { adapter: own })).data).toBe("own");
    expect([calls, server.requests.length]).toEqual([3, 2]);
    expect(new Set(seen).size).toBe(1);
  });

  it.each<[string, unknown, unknown, unknown]>([
    ["axios.instance must be an axios instance (got an object)", {}, retry(), {}],
    ["axios.policy must be a policy (got undefined)", create(), undefined, {}],
    ["axios.failOn[0] must be an integer >= 100 and <= 599 (got 5)", create(), retry(), { failOn: [5] }],
    [
      "axios.throwOnFailure is no option; there are failOn, retryNonIdempotent",
      create(),
      retry(),
      { throwOnFailure: true },
    ],
  ])("refuses: %s", (message, instance, policy, options) => {
    expect(() => attachResilience(instance as AxiosInstance, policy as Policy, options as object)).toThrow(message);
  });
});
