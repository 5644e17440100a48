import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { openTracer, traceLine } from "./trace-options.ts";

describe("a node's tracer", () => {
  it("is none without a URL, and refuses what is no URL", async () => {
    expect(await openTracer({ traceUrl: undefined, tracePercent: 100 }, "n1")).toBeUndefined();
    for (const traceUrl of ["collector:4318", "ftp://collector", ""]) {
      await expect(openTracer({ traceUrl, tracePercent: 0 }, "n1")).rejects.toThrow("--trace-url must be an http");
      expect(() => traceLine({ traceUrl, tracePercent: 0 })).toThrow("--trace-url must be an http");
    }
    expect(traceLine({ traceUrl: undefined, tracePercent: 5 })).toEqual([]);
  });

  it("sends what callers trace, and a share of the rest, under the member's name", async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        bodies.push(body);
        response.end("{}");
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const traceUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
    const caller = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", isRemote: true };
    for (const [tracePercent, names] of [
      [0, ["sampled"]],
      [100, ["sampled", "own"]],
    ] as const) {
      const tracer = await openTracer({ traceUrl, tracePercent }, "n1");
      tracer?.startSpan("sampled", { parent: { ...caller, sampled: true } }).end();
      tracer?.startSpan("unsampled", { parent: { ...caller, sampled: false } }).end();
      tracer?.startSpan("own").end();
      await tracer?.close();
      const body = bodies.pop() ?? "";
      for (const name of ["sampled", "unsampled", "own"]) {
        expect(body.includes(`"name":"${name}"`)).toBe((names as readonly string[]).includes(name));
      }
      expect(body).toContain('{"key":"service.instance.id","value":{"stringValue":"n1"}}');
    }
    server.close();
    server.closeAllConnections();
  });
});
