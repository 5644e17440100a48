import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { bulkhead, circuitBreaker, constantBackoff, hedge, pipeline, retry, timeout } from "./index.ts";

/** Mistakes with real responses and requests, over real sockets; the policies' time alone is virtual. */

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** More than any buffer on the way holds. */
const large = Buffer.alloc(8_000_000, "x");

describe("mistakes with real bodies", () => {
  it("pitfall 20: a body can be read to its end long after the call has returned and its limit has passed", async () => {
    const clock = new VirtualClock();
    const begun: ServerResponse[] = [];
    const url = await serve((_request, response) => {
      response.write("first ");
      begun.push(response);
    });
    const policy = pipeline(
      timeout({ clock, timeoutMs: 5_000 }),
      retry({ clock }),
      circuitBreaker({ clock }),
      bulkhead({ clock }),
      hedge({ clock, delayMs: 100 }),
      timeout({ clock, timeoutMs: 500 }),
    );
    const response = await policy.execute(({ signal }) => fetch(url, { signal }));
    await clock.advance(3_600_000);
    begun[0]?.end("second");
    expect(await response.text()).toBe("first second");
    expect([begun.length, clock.pending]).toEqual([1, 0]);
  });

  it("pitfall 21: a response that is tried again, or lost a hedge, gives its connection back unread", async () => {
    const clock = new VirtualClock();
    const closed: Promise<unknown>[] = [];
    let requests = 0;
    const url = await serve((_request, response) => {
      requests++;
      if (requests > 2) {
        response.end("well");
        return;
      }
      // The server cannot finish this: only when the client lets go of it, it is over.
      closed.push(once(response, "close").then(() => response.writableFinished));
      response.statusCode = 503;
      response.end(large);
    });
    const policy = retry({
      clock,
      backoff: constantBackoff(10),
      retryOnResult: (result) => (result as Response).status === 503,
    });
    const refused: Response[] = [];
    const result = policy.execute(async ({ signal }) => {
      const response = await fetch(url, { signal });
      if (response.status === 503) refused.push(response);
      return response;
    });
    const over = result.then(() => true);
    while (!(await Promise.race([over, new Promise((resolve) => setImmediate(resolve, false))])))
      await clock.advance(10);
    expect(await (await result).text()).toBe("well");
    expect(refused).toHaveLength(2);
    expect(await Promise.all(closed)).toEqual([false, false]);
  });

  it("pitfall 21: the late response of a call that timed out is let go of", async () => {
    const clock = new VirtualClock();
    const waiting: ServerResponse[] = [];
    const arrived = Promise.withResolvers<void>();
    const url = await serve((_request, response) => {
      waiting.push(response);
      arrived.resolve();
    });
    // It does not pass the signal on: the response comes when nobody waits any more.
    const result = timeout({ clock, timeoutMs: 50 })
      .execute(() => fetch(url))
      .catch((error: { code: string }) => error.code);
    await arrived.promise;
    await clock.advance(100);
    expect(await result).toBe("OPERATION_TIMED_OUT");
    const [response] = waiting as [ServerResponse];
    const over = once(response, "close");
    response.end(large);
    await over;
    expect(response.writableFinished).toBe(false);
  });

  it("pitfall 22: each try and each hedge sends its whole body, because it makes its own", async () => {
    const clock = new VirtualClock();
    const bodies: string[] = [];
    const url = await serve((request, response) => {
      void textOf(request).then((text) => {
        bodies.push(text);
        // The first two are read and dropped without an answer, as by a server that dies.
        if (bodies.length < 3) request.socket.destroy();
        else response.end("stored");
        return undefined;
      });
    });
    const text = "the whole body ".repeat(10_000);
    const store = (): Promise<Response> => {
      const body = new Blob([text]).stream();
      return fetch(url, { method: "POST", body, duplex: "half" });
    };
    const result = retry({ clock, backoff: constantBackoff(0) }).execute(store);
    expect(await (await result).text()).toBe("stored");
    expect(bodies.map((body) => body === text)).toEqual([true, true, true]);
  });

  it("pitfall 22: a body that is sent already is a failure that is told, not an empty request", async () => {
    const clock = new VirtualClock();
    const bodies: string[] = [];
    const url = await serve((request) => {
      void textOf(request).then((text) => {
        bodies.push(text);
        request.socket.destroy();
        return undefined;
      });
    });
    const request = new Request(url, { method: "POST", body: new Blob(["once"]).stream(), duplex: "half" });
    const error: unknown = await retry({ clock, backoff: constantBackoff(0), maxAttempts: 2 })
      .execute(() => fetch(request))
      .catch((failure: unknown) => failure);
    expect(bodies).toEqual(["once"]);
    expect(error).toMatchObject({ code: "RETRIES_EXHAUSTED", errors: [expect.any(TypeError), expect.any(TypeError)] });
  });
});
