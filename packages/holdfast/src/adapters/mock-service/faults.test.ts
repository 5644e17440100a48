import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classify, InvalidArgumentError } from "../../errors/index.ts";
import { retry } from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { skippedWaits } from "../http-client/testing/skipped-waits.ts";
import { mockService, type MockFault, type MockService } from "./index.ts";
import { get, rawExchange } from "./testing/raw-exchange.ts";

const json = { greeting: "hello", numbers: [1, 2, 3, 4, 5, 6, 7, 8] };
const whole = JSON.stringify(json);
const routes = [
  { path: "/a", answer: { json } },
  { path: "/b", answer: { text: "b" } },
  { path: "/empty", answer: { status: 204 } },
];

let service: MockService;
let agent: Agent;

beforeAll(async () => {
  service = await mockService({ seed: 1, routes });
  agent = new Agent();
});

afterAll(async () => {
  await agent.destroy();
  await service.close();
});

/** What a test of two clients says of a failure: its kind, its code, and whether it may be tried again. */
async function failing(call: () => Promise<unknown>): Promise<readonly unknown[]> {
  try {
    return ["no failure", await call()];
  } catch (error) {
    const { kind, code, retryable } = classify(error);
    return [kind, code, retryable];
  }
}

async function byFetch(): Promise<unknown> {
  const response = await fetch(`${service.url}/a`);
  if (!response.ok) throw response;
  return response.json();
}

async function byUndici(): Promise<unknown> {
  const { statusCode, headers, body } = await request(`${service.url}/a`, { dispatcher: agent });
  if (statusCode >= 400) throw Object.assign(new Error("refused"), { statusCode, headers, body: await body.text() });
  return body.json();
}

const lost = ["network", "CONNECTION_LOST", true];

describe("each fault strikes real clients, and is what holdfast/errors takes it for", () => {
  it.each<[MockFault, readonly unknown[]]>([
    [{ kind: "status" }, ["system", "SERVER_FAILED", false]],
    [{ kind: "status", status: 503, retryAfterS: 7 }, ["resource", "SERVICE_UNAVAILABLE", true]],
    [{ kind: "rateLimit", requests: 0 }, ["resource", "TOO_MANY_REQUESTS", true]],
    [{ kind: "reset" }, lost],
    [{ kind: "reset", when: "afterHeaders" }, lost],
    [{ kind: "reset", when: "inBody" }, lost],
    [{ kind: "close" }, lost],
    [{ kind: "partialBody" }, lost],
    [{ kind: "truncatedChunks" }, lost],
    [{ kind: "malformedJson" }, ["system", "PROTOCOL_BROKEN", false]],
  ])("%j", async (fault, expected) => {
    await using active = await service.fault(fault);
    expect(await failing(byFetch)).toEqual(expected);
    expect(await failing(byUndici)).toEqual(expected);
    expect(await active.remove()).toBe(2);
    expect(await byFetch()).toEqual(json);
  });

  it("a client that tries again gets there with the third attempt", async () => {
    const { delays, ...patience } = skippedWaits(new VirtualClock());
    await using outage = await service.fault({ kind: "status", status: 503, retryAfterS: 7, times: 2 });
    expect(await retry({ ...patience, maxAttempts: 3 }).execute(byFetch)).toEqual(json);
    expect([outage.struck, delays.length]).toEqual([2, 2]);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(7_000);
  });

  it("what is no HTTP is a failure of the system", async () => {
    await using active = await service.fault({ kind: "garbage" });
    expect((await failing(byFetch))[0]).toBe("system");
    expect((await failing(byUndici))[0]).toBe("system");
    expect(active.struck).toBe(2);
  });

  it("a service that hangs is a timeout of the client's", async () => {
    await using active = await service.fault({ kind: "hang" });
    const url = `${service.url}/a`;
    const signal = AbortSignal.timeout(50);
    const both = [failing(() => fetch(url, { signal })), failing(() => request(url, { dispatcher: agent, signal }))];
    const expected = ["timeout", "OPERATION_TIMED_OUT", true];
    expect(await Promise.all(both)).toEqual([expected, expected]);
    expect(active.struck).toBe(2);
    const { status } = await service.journal.waitFor({ fault: active.id, outcome: "clientGone" }, { count: 2 });
    expect(status).toBeNull();
  });

  it("nobody listens, and then the same port again", async () => {
    const { address } = service;
    expect((await rawExchange(address, get("/b").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))).end).toBe(
      "fin",
    );
    const open = fetch(`${service.url}/a`);
    await (await open).text();
    const down = await service.fault({ kind: "down" });
    expect((await rawExchange(address, get("/a"))).end).toBe("refused");
    expect(await failing(byUndici)).toEqual(["network", "CONNECTION_REFUSED", true]);
    // Once for the listening, and once for each connection that was open.
    expect(await down.remove()).toBeGreaterThanOrEqual(2);
    expect(service.address).toEqual(address);
    expect(await byUndici()).toEqual(json);
  });
});

describe("the bytes on the wire", () => {
  it.each<[MockFault, "fin" | "reset", RegExp]>([
    [{ kind: "reset" }, "reset", /^$/],
    [{ kind: "close" }, "fin", /^$/],
    [{ kind: "reset", when: "afterHeaders" }, "reset", /^HTTP\/1\.1 200 OK\r\n[^]*content-length: 48\r\n[^]*\r\n\r\n$/],
    [{ kind: "reset", when: "inBody", bytes: 3 }, "reset", /\r\n\r\n\{"g$/],
    [{ kind: "partialBody", bytes: 3 }, "fin", /content-length: 48\r\n[^]*\r\n\r\n\{"g$/],
    [{ kind: "partialBody", bytes: 0 }, "fin", /content-length: 48\r\n[^]*\r\n\r\n$/],
    [{ kind: "truncatedChunks", bytes: 3 }, "fin", /Transfer-Encoding: chunked\r\n\r\n3\r\n\{"g\r\n$/],
    [{ kind: "truncatedChunks", bytes: 0 }, "fin", /Transfer-Encoding: chunked\r\n\r\n$/],
    [{ kind: "garbage", bytes: 7 }, "fin", /^[\u0080-\u00ff]{7}$/],
  ])("%j", async (fault, end, text) => {
    await using active = await service.fault(fault);
    const raw = await rawExchange(service.address, get("/a"));
    expect(raw.end).toBe(end);
    expect(raw.text).toMatch(text);
    expect(active.struck).toBe(1);
    await service.journal.waitFor({ fault: active.id, outcome: "cut" });
  });

  it("a body that is corrupt has its length, and differs", async () => {
    await using active = await service.fault({ kind: "corruptBody", share: 0 });
    const body = await (await fetch(`${service.url}/a`)).text();
    expect([body.length, body === whole, active.struck]).toEqual([whole.length, false, 1]);
  });

  it("another type for the same body; what has no body is not struck", async () => {
    await using type = await service.fault({ kind: "wrongType", type: "text/x" });
    await using part = await service.fault({ kind: "partialBody" });
    expect((await fetch(`${service.url}/empty`)).status).toBe(204);
    expect([type.struck, part.struck]).toEqual([0, 0]);
    await part.remove();
    const response = await fetch(`${service.url}/a`);
    expect([response.headers.get("content-type"), await response.text()]).toEqual(["text/x", whole]);
    expect(type.struck).toBe(1);
  });

  it("half of a number is a number, and yet no JSON", async () => {
    using _ = service.route({ path: "/number", answer: { json: 1234 } });
    await using __ = await service.fault({ kind: "malformedJson" });
    expect(await (await fetch(`${service.url}/number`)).text()).toBe("12{");
  });
});

describe("whom it strikes", () => {
  async function statuses(...paths: readonly string[]): Promise<readonly number[]> {
    const answers: number[] = [];
    for (const path of paths) answers.push((await fetch(`${service.url}${path}`)).status);
    return answers;
  }

  it.each<[Partial<MockFault>, readonly number[]]>([
    [{}, [500, 500, 500, 500]],
    [{ route: "GET /a" }, [500, 200, 404, 500]],
    [{ path: "/:any" }, [500, 500, 500, 500]],
    [{ path: "/b" }, [200, 500, 404, 200]],
    [{ method: "post" }, [200, 200, 404, 200]],
    [{ times: 2 }, [500, 500, 404, 200]],
    [{ skip: 1, times: 1 }, [200, 500, 404, 200]],
    [{ ratio: 0 }, [200, 200, 404, 200]],
  ])("%j", async (aim, expected) => {
    await using active = await service.fault({ kind: "status", ...aim } as MockFault);
    expect(await statuses("/a", "/b", "/nothing", "/a")).toEqual(expected);
    expect(active.struck).toBe(expected.filter((status) => status === 500).length);
  });

  it("the one that began first answers; the other is not used up", async () => {
    await using first = await service.fault({ kind: "status", status: 502, times: 1 });
    await using second = await service.fault({ kind: "status", status: 503, times: 1 });
    expect(await statuses("/a", "/a", "/a")).toEqual([502, 503, 200]);
    expect([first.struck, second.struck]).toEqual([1, 1]);
  });

  it("each request is drawn once: a tenth of them, the same ones with the same seed", async () => {
    const run = async (seed: number, calls: number): Promise<string> => {
      await using own = await mockService({ seed, routes, faults: [{ kind: "status", ratio: 0.1 }] });
      let drawn = "";
      for (let call = 0; call < calls; call++) {
        const { statusCode, body } = await request(`${own.url}/a`, { dispatcher: agent });
        await body.dump();
        drawn += statusCode === 500 ? "x" : ".";
      }
      expect(own.counts).toEqual({ status: drawn.split("x").length - 1 });
      return drawn;
    };
    const [first, again, other] = [await run(7, 300), await run(7, 300), await run(8, 60)];
    expect(again).toBe(first);
    expect(first.startsWith(other)).toBe(false);
    // Five standard deviations of a binomial distribution of 300 and 0.1.
    expect(Math.abs(first.split("x").length - 1 - 30)).toBeLessThan(26);
  });
});

describe("time", () => {
  it("a latency is what it says: the answer is not there before", async () => {
    const clock = new VirtualClock();
    await using own = await mockService({ clock, routes, faults: [{ kind: "latency", delayMs: 200 }] });
    let isThere = false;
    const answer = fetch(`${own.url}/b`).then(() => (isThere = true));
    await own.journal.waitFor({});
    await clock.advance(199);
    expect(isThere).toBe(false);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    await answer;
    expect(own.counts).toEqual({ latency: 1 });
  });

  it("what hangs for a time goes on after it", async () => {
    const clock = new VirtualClock();
    await using own = await mockService({ clock, routes, faults: [{ kind: "hang", forMs: 900 }] });
    const answer = fetch(`${own.url}/b`);
    await own.journal.waitFor({});
    await clock.advance(900);
    expect(await (await answer).text()).toBe("b");
    expect(own.counts).toEqual({ hang: 1 });
  });

  it("what hangs goes on when the fault ends", async () => {
    const fault = await service.fault({ kind: "hang" });
    const answer = fetch(`${service.url}/b`);
    const waiting = await service.journal.waitFor({ fault: fault.id });
    expect([waiting.outcome, waiting.status]).toEqual(["pending", null]);
    expect(await fault.remove()).toBe(1);
    expect(await (await answer).text()).toBe("b");
  });

  it("what has ended while a request waited strikes it no more", async () => {
    const hang = await service.fault({ kind: "hang" });
    const status = await service.fault({ kind: "status", times: 1 });
    const answers = [fetch(`${service.url}/b`), fetch(`${service.url}/b`)];
    await service.journal.waitFor({ fault: hang.id }, { count: 2 });
    expect([await status.remove(), await hang.remove()]).toEqual([0, 2]);
    expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual([200, 200]);
  });

  it("what was meant for a client that went away is left for the next", async () => {
    const hang = await service.fault({ kind: "hang", times: 1 });
    await using status = await service.fault({ kind: "status", times: 1 });
    const gone = new AbortController();
    const call = fetch(`${service.url}/b`, { signal: gone.signal }).catch(() => "gone");
    await service.journal.waitFor({ fault: hang.id });
    gone.abort();
    expect(await call).toBe("gone");
    await service.journal.waitFor({ fault: hang.id, outcome: "clientGone" });
    await hang.remove();
    expect([(await fetch(`${service.url}/b`)).status, status.struck]).toEqual([500, 1]);
  });

  it("on a connection that carries several requests at once, the first answer comes first", async () => {
    await using _ = await service.fault({ kind: "close", path: "/b" });
    using __ = service.route({
      path: "/slow",
      answer: async () => (await service.journal.waitFor({ path: "/b" }), {}),
    });
    expect((await rawExchange(service.address, get("/slow") + get("/b"))).end).toBe("fin");
  });

  it("and is cut off when the service closes", async () => {
    const own = await mockService({ routes, faults: [{ kind: "hang" }] });
    const answer = failing(() => fetch(`${own.url}/b`));
    await own.journal.waitFor({});
    await own.close();
    expect(await answer).toEqual(lost);
    expect((await own.journal.waitFor({ outcome: "closed" })).durationMs).not.toBeNull();
  });

  it("a slow body comes in pieces", async () => {
    const clock = new VirtualClock();
    await using own = await mockService({ clock, routes, faults: [{ kind: "slowBody", bytesPerSecond: 200 }] });
    const response = await fetch(`${own.url}/a`);
    const reader = response.body!.getReader();
    const pieces = [(await reader.read()).value?.length];
    for (let at = 0; at < 4; at++) {
      await clock.advance(50);
      pieces.push((await reader.read()).value?.length);
    }
    expect(pieces).toEqual([10, 10, 10, 10, 8]);
    expect(own.counts).toEqual({ slowBody: 1 });
  });

  it("a rate limit tells when to come back, and lets through again then", async () => {
    const clock = new VirtualClock();
    const limit: MockFault = { kind: "rateLimit", requests: 2, perMs: 5_000 };
    await using own = await mockService({ clock, routes, faults: [limit] });
    const ask = async (): Promise<readonly unknown[]> => {
      const { status, headers } = await fetch(`${own.url}/b`);
      return [status, headers.get("retry-after")];
    };
    expect([await ask(), await ask(), await ask()]).toEqual([
      [200, null],
      [200, null],
      [429, "5"],
    ]);
    await clock.advance(3_500);
    expect(await ask()).toEqual([429, "2"]);
    await clock.advance(1_500);
    expect(await ask()).toEqual([200, null]);
    expect(own.counts).toEqual({ rateLimit: 2 });
  });

  it("a fault ends after its time, the port with it", async () => {
    const clock = new VirtualClock();
    await using own = await mockService({ clock, routes });
    await own.fault({ kind: "status", durationMs: 100 });
    expect((await fetch(`${own.url}/b`)).status).toBe(500);
    await clock.advance(100);
    expect([own.faults, (await fetch(`${own.url}/b`)).status]).toEqual([[], 200]);
    await own.fault({ kind: "down", durationMs: 100 });
    expect((await rawExchange(own.address, get("/b"))).end).toBe("refused");
    await clock.advance(100);
    const raw = get("/b").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    expect((await rawExchange(own.address, raw)).text).toContain("200 OK");
    await (await own.fault({ kind: "status", durationMs: 100 })).remove();
    expect(clock.pending).toBe(0);
  });
});

describe("a fault that is none", () => {
  it.each<[unknown, string]>([
    [{ kind: "slow" }, 'fault.kind must be "latency" or'],
    [{ kind: "status", ratio: 7 }, "fault.ratio must be a number >= 0 and <= 1 (got 7)"],
    [{ kind: "status", status: 200 }, "fault.status must be an integer >= 400 and <= 599 (got 200)"],
    [{ kind: "status", delayMs: 1 }, "fault.delayMs is no option"],
    [{ kind: "status", times: 0 }, "fault.times must be an integer >= 1"],
    [{ kind: "status", id: "a b" }, "fault.id must be 1 to 64 letters"],
    [{ kind: "status", durationMs: 0 }, "fault.durationMs must be a number >= 1"],
    [{ kind: "status", route: "GET /x" }, "fault.route must be one of GET /a, GET /b"],
    [{ kind: "status", path: "x" }, "fault.path must be a path that starts with /"],
    [{ kind: "status", method: 3 }, "fault.method must be text"],
    [{ kind: "latency" }, "fault.delayMs must be a number >= 0 and <= 86400000 (got undefined)"],
    [{ kind: "latency", distribution: "uniform", minMs: 5, maxMs: 4 }, "fault.minMs must be at most maxMs (got 5)"],
    [{ kind: "latency", distribution: "normal", delayMs: 5 }, "fault.delayMs is no option"],
    [{ kind: "latency", distribution: "pareto" }, "fault.distribution must be"],
    [{ kind: "rateLimit" }, "fault.requests must be an integer >= 0"],
    [{ kind: "slowBody", bytesPerSecond: 0 }, "fault.bytesPerSecond must be a number >= 1"],
    [{ kind: "reset", bytes: 1 }, "fault.bytes must be there only when it resets inBody (got 1)"],
    [{ kind: "wrongType", type: "a\r\nb" }, "fault.type must be text"],
    [{ kind: "down", ratio: 1 }, "fault.ratio is no option"],
    [undefined, "fault must be an object"],
  ])("%j: %s", async (fault, message) => {
    const refused = service.fault(fault as MockFault);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow(message);
    expect(service.faults).toEqual([]);
  });

  it("has an id that is taken", async () => {
    await using _ = await service.fault({ kind: "status", id: "one" });
    await expect(service.fault({ kind: "close", id: "one" })).rejects.toThrow('fault.id must be unique (got "one")');
  });
});
