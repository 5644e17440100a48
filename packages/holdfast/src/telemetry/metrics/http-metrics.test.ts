import { EventEmitter, once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { createMetrics, type Metrics } from "./create-metrics.ts";
import { followServer, httpMetrics } from "./http-metrics.ts";

const read = (metrics: Metrics, name: string): Record<string, unknown> => {
  const view = metrics.all.find((metric) => metric.name === name)!;
  return Object.fromEntries(view.read().map(({ labels, value }) => [labels.join(" "), value]));
};

describe("D62: requests under way", () => {
  it("are as many as there are, after answers, failures, and clients that leave before", async () => {
    const metrics = createMetrics();
    const http = httpMetrics(metrics);
    const gone = new EventEmitter();
    const server = createServer((request, response) => {
      if (request.url === "/fails") response.writeHead(500).end();
      else if (request.url === "/breaks") response.socket?.destroy();
      else if (request.url !== "/hangs") response.end("ok");
      response.once("close", () => gone.emit(request.url ?? ""));
    });
    followServer(server, http, { route: ({ url = "" }: IncomingMessage) => `/:${url.length}` });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const ask = async (path: string, leaves = false): Promise<void> => {
      const over = once(gone, path);
      const request = get({ port, path, agent: false }, (response) => response.resume()).on("error", () => undefined);
      if (leaves) {
        await once(server, "request");
        expect(read(metrics, "active_connections")[""]).toBe(1);
        request.destroy();
      }
      await over;
    };
    await ask("/good");
    await ask("/fails");
    await ask("/breaks");
    await ask("/hangs", true);
    await new Promise((resolve) => server.close(resolve));
    expect(read(metrics, "active_connections")).toEqual({ "": 0 });
    expect(read(metrics, "http_requests_total")).toEqual({ all: 4 });
    expect(read(metrics, "request_duration_seconds")[""]).toMatchObject({ count: 4 });
    expect(read(metrics, "http_responses_by_status")).toEqual({ "200": 1, "500": 1, gone: 2 });
    expect(read(metrics, "http_requests_by_path")).toEqual({ "GET /:5": 1, "GET /:6": 2, "GET /:7": 1 });
  });
});

describe("D63: paths", () => {
  it("are templates of routes; what no route took is one, and methods are those that there are", () => {
    const metrics = createMetrics({ maxSeries: 3 });
    const http = httpMetrics(metrics);
    for (let at = 0; at < 1_000; at++) http.begin()({ method: `M${at}`, status: 200 + (at % 2_000) });
    http.begin()({ method: "GET", route: "/orders/:id", status: 200 });
    for (let at = 0; at < 1_000; at++) http.begin()({ method: "GET", route: `/orders/${at}`, status: -at });
    expect(read(metrics, "http_requests_by_path")).toEqual({
      "other none": 1_000,
      "GET /orders/:id": 1,
      "GET /orders/0": 1,
      "overflow overflow": 999,
    });
    expect(read(metrics, "telemetry_series_overflowed_total")["http_requests_by_path"]).toBe(999);
    expect(Object.keys(read(metrics, "http_responses_by_status"))).toHaveLength(4);
  });

  it("count neither what is to be ignored nor what comes after the end, and once what ends twice", async () => {
    const clock = new VirtualClock();
    const metrics = createMetrics();
    const http = httpMetrics(metrics, { clock });
    const server = new EventEmitter();
    const request = (url: string): EventEmitter => {
      const response = Object.assign(new EventEmitter(), { statusCode: 200, writableFinished: true });
      server.emit("request", { method: "GET", url }, response);
      return response;
    };
    const broken = (): never => {
      throw new Error("broken");
    };
    const stop = followServer<{ method?: string; url?: string }>(server, http, {
      ignores: ({ url }) => url === "/metrics" || (url === "/odd" && broken()),
      route: broken,
    });
    request("/metrics").emit("close");
    const response = request("/odd");
    await clock.advance(700);
    response.emit("close");
    response.emit("close");
    stop();
    request("/later").emit("close");
    expect(read(metrics, "http_requests_by_path")).toEqual({ "GET none": 1 });
    expect(read(metrics, "request_duration_seconds")[""]).toMatchObject({ counts: [0, 0, 0, 0, 1, 0, 0], sum: 0.7 });
    const end = http.begin();
    end({ method: "GET", status: 200 });
    end({ method: "GET", status: 200 });
    expect([read(metrics, "http_requests_total"), read(metrics, "active_connections")]).toEqual([
      { all: 2 },
      { "": 0 },
    ]);
  });
});
