import { once } from "node:events";
import { credentials, makeClientConstructor, status as codes, type ClientReadableStream } from "@grpc/grpc-js";
import { grpcHealthProbe, healthService } from "holdfast/adapters/grpc-health";
import { createHealth } from "holdfast/telemetry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEtcd, startMemoryMember, type Endpoint } from "./endpoint.ts";

interface HealthClient {
  Check(request: { readonly service: string }, done: (error: { readonly code: number } | null) => void): void;
  Watch(request: { readonly service: string }): ClientReadableStream<{ readonly status: string }>;
  close(): void;
}

const Client = makeClientConstructor(healthService(createHealth()).definition, "Health");

describe.each([
  ["Holdfast", startMemoryMember],
  ["etcd", startEtcd],
])("gRPC's health protocol of %s", (_name, start) => {
  let endpoint: Endpoint;
  let client: HealthClient;
  beforeAll(async () => {
    endpoint = await start();
    client = new Client(endpoint.client, credentials.createInsecure()) as unknown as HealthClient;
  });
  afterAll(async () => {
    client.close();
    await endpoint.close();
  });

  it("Check knows the whole and nothing else", async () => {
    const probe = grpcHealthProbe();
    const { signal } = new AbortController();
    expect(await probe(`http://${endpoint.client}`, "", { signal })).toBe("SERVING");
    const error = await new Promise((resolve) => client.Check({ service: "etcdserverpb.KV" }, resolve));
    expect(error).toMatchObject({ code: codes.NOT_FOUND, details: "unknown service" });
  });

  it("Watch says at once how it is, and keeps the stream also where it knows nothing", async () => {
    for (const [service, status] of [
      ["", "SERVING"],
      ["etcdserverpb.KV", "SERVICE_UNKNOWN"],
    ] as const) {
      const stream = client.Watch({ service });
      expect(await once(stream, "data")).toEqual([{ status }]);
      const ended = once(stream, "error");
      stream.cancel();
      expect(await ended).toMatchObject([{ code: codes.CANCELLED }]);
    }
  });
});
