import { once } from "node:events";
import {
  credentials,
  makeClientConstructor,
  status as codes,
  type ClientReadableStream,
  type requestCallback,
} from "@grpc/grpc-js";
import { grpcHealthProbe, healthService } from "holdfast/adapters/grpc-health";
import { createMemoryMember, type Member } from "holdfast/coordination";
import { createHealth } from "holdfast/telemetry";
import protobuf from "protobufjs";
import { afterEach, describe, expect, it } from "vitest";
import { serveMember } from "../serve.ts";

const any = { host: "127.0.0.1", port: 0 };
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function serve(member: Member = createMemoryMember()) {
  const served = await serveMember({ member, client: any, http: any });
  opened.push(() => served.close());
  const url = `http://127.0.0.1:${served.clientAddress.port}`;
  const page = async (path: string): Promise<readonly [number, string]> => {
    const answer = await fetch(url + path);
    return [answer.status, await answer.text()];
  };
  return { served, url, page };
}

const leaderless = (): Member => {
  const member = createMemoryMember();
  return { ...member, status: () => ({ ...member.status(), leader: 0n }) };
};

/** As the protocol has it, apart from what is not asked here. */
const definition = `
  syntax = "proto3";
  package grpc.health.v1;
  message HealthCheckResponse {
    enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
    ServingStatus status = 1;
  }
  message HealthListRequest {}
  message HealthListResponse { map<string, HealthCheckResponse> statuses = 1; }
`;

interface Answer {
  readonly status: string;
}

/** The gRPC project's own client. */
function watchOf(url: string, service: string): ClientReadableStream<Answer> {
  const health = createHealth();
  const Client = makeClientConstructor(healthService(health).definition, "Health");
  const client = new Client(url.slice("http://".length), credentials.createInsecure());
  opened.push(() => client.close());
  const stream = (client as unknown as { Watch(request: object): ClientReadableStream<Answer> }).Watch({ service });
  return stream;
}

describe("/livez and /readyz", () => {
  it("say ok, and with ?verbose every check", async () => {
    const { page } = await serve();
    expect(await page("/livez")).toEqual([200, "ok\n"]);
    expect(await page("/livez?verbose")).toEqual([200, "[+]disk ok\n[+]serializable_read ok\nok\n"]);
    expect(await page("/readyz")).toEqual([200, "ok\n"]);
    const names = ["stopping", "leader", "non_learner", "data_corruption", "serializable_read", "linearizable_read"];
    expect(await page("/readyz?verbose")).toEqual([200, `${names.map((name) => `[+]${name} ok\n`).join("")}ok\n`]);
    expect(await page("/readyz/leader")).toEqual([200, "ok\n"]);
    expect(await page("/readyz/nothing")).toEqual([404, "404 page not found\n"]);
    expect((await page("/livez/disk/more"))[0]).toBe(404);
  });

  it("say what fails, unless that is left out", async () => {
    const { page } = await serve(leaderless());
    expect(await page("/livez")).toEqual([200, "ok\n"]);
    const [status, body] = await page("/readyz");
    expect([status, body]).toEqual([503, expect.stringContaining("[-]leader failed: no leader is known\n")]);
    expect(body).toContain("[+]data_corruption ok\n");
    expect(body).not.toMatch(/^ok$/m);
    expect(await page("/readyz/leader")).toEqual([503, "[-]leader failed: no leader is known\n"]);
    expect(await page("/readyz?exclude=leader&exclude=linearizable_read")).toEqual([200, "ok\n"]);
  });
});

describe("grpc.health.v1.Health", () => {
  it("answers Check for the member as a whole, and knows nothing else", async () => {
    const probe = grpcHealthProbe();
    const { signal } = new AbortController();
    const { url } = await serve();
    expect(await probe(url, "", { signal })).toBe("SERVING");
    expect(await probe(url, "etcdserverpb.KV", { signal })).toBe("SERVICE_UNKNOWN");
    const { url: lost } = await serve(leaderless());
    expect(await probe(lost, "", { signal })).toBe("NOT_SERVING");
  });

  it("answers List with the member as a whole, also where it is a learner, as the protocol's own definition reads it", async () => {
    const { root } = protobuf.parse(definition);
    const [request, response] = ["HealthListRequest", "HealthListResponse"].map((name) => root.lookupType(name));
    const method = {
      path: "/grpc.health.v1.Health/List",
      requestStream: false,
      responseStream: false,
      requestSerialize: (message: object) => Buffer.from(request!.encode(message).finish()),
      requestDeserialize: (bytes: Buffer) => request!.decode(bytes),
      responseSerialize: (message: object) => Buffer.from(response!.encode(message).finish()),
      responseDeserialize: (bytes: Buffer) => response!.toObject(response!.decode(bytes), { enums: String }),
    };
    const listed = async (member?: Member): Promise<unknown> => {
      const { url } = await serve(member);
      const Client = makeClientConstructor({ List: method }, "Health");
      const client = new Client(url.slice("http://".length), credentials.createInsecure());
      opened.push(() => client.close());
      const own = client as unknown as { List(request: object, done: requestCallback<object>): void };
      return await new Promise((resolve, reject) =>
        own.List({}, (error, answer) => (error ? reject(error) : resolve(answer))),
      );
    };
    expect(await listed()).toEqual({ statuses: { "": { status: "SERVING" } } });
    const lost = leaderless();
    expect(await listed(lost)).toEqual({ statuses: { "": { status: "NOT_SERVING" } } });
    const learner = { ...lost, status: () => ({ ...lost.status(), isLearner: true }) };
    expect(await listed(learner)).toEqual({ statuses: { "": { status: "NOT_SERVING" } } });
  });

  it("tells by Watch that it serves, and at once that it stops", async () => {
    const { served, url, page } = await serve();
    const unknown = watchOf(url, "etcdserverpb.KV");
    expect(await once(unknown, "data")).toEqual([{ status: "SERVICE_UNKNOWN" }]);
    const stream = watchOf(url, "");
    expect(await once(stream, "data")).toEqual([{ status: "SERVING" }]);
    const changed = once(stream, "data");
    const drained = served.drain(60_000);
    expect(await changed).toEqual([{ status: "NOT_SERVING" }]);
    expect(await page("/readyz")).toEqual([503, expect.stringMatching(/^\[-\]stopping failed: .*\n\[\+\]leader ok\n/)]);
    expect(await page("/livez")).toEqual([200, "ok\n"]);
    const ended = [unknown, stream].map((each) => once(each, "error"));
    await served.close();
    // It does not wait for the grace any more.
    await drained;
    for (const [error] of await Promise.all(ended)) expect(error).toMatchObject({ code: codes.UNAVAILABLE });
  });
});
