import {
  credentials,
  makeClientConstructor,
  Server,
  ServerCredentials,
  status as codes,
  type ClientReadableStream,
  type requestCallback,
  type ServiceError,
} from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { createHealth, type Health } from "../../telemetry/index.ts";
import { grpcHealthProbe } from "./grpc-health-probe.ts";
import type { ServingStatus } from "./health-messages.ts";
import { healthService, type HealthServiceOptions } from "./health-service.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).toReversed()) close();
});

interface Answer {
  readonly status: ServingStatus;
}

interface HealthClient {
  List(request: object, done: requestCallback<{ readonly statuses: Readonly<Record<string, Answer>> }>): void;
  Check(request: { readonly service: string }, done: requestCallback<Answer>): void;
  Watch(request: { readonly service: string }): ClientReadableStream<Answer>;
}

/** The gRPC project's own server and client. */
async function start(health: Health, options: HealthServiceOptions = {}) {
  const service = healthService(health, options);
  const server = new Server();
  server.addService(service.definition, service.implementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  closing.push(() => server.forceShutdown());
  const Client = makeClientConstructor(service.definition, "Health");
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  closing.push(() => client.close());
  const own = client as unknown as HealthClient;
  const check = (name: string): Promise<ServingStatus | undefined> =>
    new Promise((resolve, reject) =>
      own.Check({ service: name }, (error, answer) => (error ? reject(error) : resolve(answer?.status))),
    );
  const list = (): Promise<Readonly<Record<string, Answer>> | undefined> =>
    new Promise((resolve, reject) =>
      own.List({}, (error, answer) => (error ? reject(error) : resolve(answer?.statuses))),
    );
  return {
    service,
    server,
    check,
    list,
    watch: (name: string) => watched(own.Watch({ service: name })),
    url: `http://127.0.0.1:${port}`,
  };
}

/** A watch, and what it was told so far. */
function watched(stream: ClientReadableStream<Answer>) {
  const told: ServingStatus[] = [];
  let wake = (): void => undefined;
  const ended = new Promise<number | undefined>((resolve) => {
    stream.on("error", ({ code }: ServiceError) => resolve(code));
  });
  stream.on("data", ({ status }: Answer) => {
    told.push(status);
    wake();
  });
  const until = async (count: number): Promise<readonly ServingStatus[]> => {
    while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return told;
  };
  return { until, ended, told, cancel: () => stream.cancel() };
}

const shop = (): Health => createHealth({ components: { database: {}, mail: { critical: false } } });

describe("healthService", () => {
  it("says by Check how the service and its components are, and NOT_FOUND of others", async () => {
    const health = shop();
    const { check, url } = await start(health);
    const probe = grpcHealthProbe();
    const { signal } = new AbortController();
    const asked = async (): Promise<readonly unknown[]> => {
      const statuses = await Promise.all(["", "database", "mail"].map(check));
      expect(await Promise.all(["", "database", "mail"].map((name) => probe(url, name, { signal })))).toEqual(statuses);
      return statuses;
    };
    expect(await asked()).toEqual(["NOT_SERVING", "NOT_SERVING", "NOT_SERVING"]);
    health.set("database", "degraded");
    expect(await asked()).toEqual(["SERVING", "SERVING", "NOT_SERVING"]);
    health.set("mail", "healthy");
    expect(await asked()).toEqual(["SERVING", "SERVING", "SERVING"]);
    await expect(check("größe")).rejects.toMatchObject({ code: codes.NOT_FOUND, details: "unknown service" });
    expect(await probe(url, "nobody", { signal })).toBe("SERVICE_UNKNOWN");
    await health.drain();
    expect(await asked()).toEqual(["NOT_SERVING", "NOT_SERVING", "NOT_SERVING"]);
  });

  it("knows services by the components they need, and no component then", async () => {
    const health = shop();
    const { check } = await start(health, { services: { "shop.Orders": ["database", "mail"], "shop.Menu": [] } });
    const asked = (): Promise<unknown> => Promise.all(["shop.Orders", "shop.Menu"].map(check));
    health.set("database", "healthy");
    expect(await asked()).toEqual(["NOT_SERVING", "SERVING"]);
    health.set("mail", "healthy");
    expect(await asked()).toEqual(["SERVING", "SERVING"]);
    health.remove("mail");
    expect(await asked()).toEqual(["NOT_SERVING", "SERVING"]);
    await expect(check("database")).rejects.toMatchObject({ code: codes.NOT_FOUND });
    health.failed("out of memory");
    expect(await asked()).toEqual(["NOT_SERVING", "NOT_SERVING"]);
  });

  it("says by List how all that Check knows are, the whole among them", async () => {
    const health = shop();
    health.set("database", "degraded");
    health.add("größe", { critical: false });
    const { list, check } = await start(health);
    const status = (named: ServingStatus): Answer => ({ status: named });
    const whole = { "": status("SERVING"), database: status("SERVING") };
    expect(await list()).toEqual({ ...whole, mail: status("NOT_SERVING"), größe: status("NOT_SERVING") });
    health.set("mail", "healthy");
    health.remove("größe");
    const told = await list();
    expect(told).toEqual({ ...whole, mail: status("SERVING") });
    for (const [name, { status }] of Object.entries(told!)) expect(await check(name)).toBe(status);

    const services = { "shop.Orders": ["database", "mail"], "shop.Menu": [] };
    const named = await start(health, { services });
    health.set("mail", "unhealthy");
    const listed = { "": status("SERVING"), "shop.Orders": status("NOT_SERVING"), "shop.Menu": status("SERVING") };
    expect(await named.list()).toEqual(listed);
    await health.drain();
    expect(Object.values((await named.list())!)).toEqual(Array(3).fill(status("NOT_SERVING")));
  });

  it("lists a thousand services, and no more", async () => {
    const services = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`s${at}`, []]));
    const { list } = await start(shop(), { services: services(1_000) });
    expect(Object.keys((await list())!)).toHaveLength(1_001);
    const more = await start(shop(), { services: services(1_001) });
    await expect(more.list()).rejects.toMatchObject({ code: codes.RESOURCE_EXHAUSTED });
  });

  it("tells by Watch how it is, every change, and of a service that is not there yet", async () => {
    const health = shop();
    const { watch } = await start(health);
    const [whole, mail, later] = [watch(""), watch("mail"), watch("bank")];
    expect(await whole.until(1)).toEqual(["NOT_SERVING"]);
    expect(await mail.until(1)).toEqual(["NOT_SERVING"]);
    expect(await later.until(1)).toEqual(["SERVICE_UNKNOWN"]);
    health.set("database", "healthy");
    expect(await whole.until(2)).toEqual(["NOT_SERVING", "SERVING"]);
    health.set("mail", "healthy");
    health.add("bank", { critical: false });
    health.set("bank", "healthy");
    expect(await later.until(3)).toEqual(["SERVICE_UNKNOWN", "NOT_SERVING", "SERVING"]);
    health.remove("bank");
    expect((await later.until(4)).at(-1)).toBe("SERVICE_UNKNOWN");
    void health.drain();
    expect(await whole.until(3)).toEqual(["NOT_SERVING", "SERVING", "NOT_SERVING"]);
    // Nothing is told twice.
    expect(await mail.until(3)).toEqual(["NOT_SERVING", "SERVING", "NOT_SERVING"]);
  });

  it("ends watches when it closes, so that the server can shut down", async () => {
    const { service, server, watch } = await start(shop());
    const [gone, stays] = [watch(""), watch("")];
    await Promise.all([gone.until(1), stays.until(1)]);
    gone.cancel();
    expect(await gone.ended).toBe(codes.CANCELLED);
    const down = new Promise<Error | undefined>((resolve) => server.tryShutdown(resolve));
    service.close();
    expect(await stays.ended).toBe(codes.UNAVAILABLE);
    expect(await down).toBeUndefined();
    service.close();
  });

  it("listens to health only while somebody watches", async () => {
    const health = shop();
    const seen = { listeners: 0 };
    const counted: Health = Object.assign(Object.create(health) as Health, {
      view: () => health.view(),
      subscribe: (listener: Parameters<Health["subscribe"]>[0]) => {
        const stop = health.subscribe(listener);
        seen.listeners++;
        return () => {
          seen.listeners--;
          stop();
        };
      },
    });
    Object.defineProperty(counted, "isReady", { get: () => health.isReady });
    const { watch } = await start(counted);
    const watches = [watch(""), watch("mail")];
    await Promise.all(watches.map(({ until }) => until(1)));
    expect(seen.listeners).toBe(1);
    for (const { cancel } of watches) cancel();
    while (seen.listeners > 0) await new Promise((resolve) => setImmediate(resolve));
    const again = watch("");
    await again.until(1);
    health.set("database", "healthy");
    expect(await again.until(2)).toEqual(["NOT_SERVING", "SERVING"]);
  });

  it.each([
    [shop(), { service: {} }, "healthService.service is no option"],
    [{}, {}, "healthService must be given what createHealth gives"],
    [shop(), { services: { shop: "database" } }, "healthService.services.shop must be a list of components"],
    [shop(), { services: { "": [] } }, 'healthService.services must not have ""'],
  ])("refuses what is wrong: %#", (health, options, message) => {
    expect(() => healthService(health as Health, options as never)).toThrow(message);
  });
});
