import { once } from "node:events";
import { Client, credentials, type ClientDuplexStream, type StatusObject } from "@grpc/grpc-js";
import { createMemoryMember, type Member } from "holdfast/coordination";
import { afterEach, describe, expect, it } from "vitest";
import { serveMember } from "../serve.ts";
import { toBigInt, toSafeInteger, type WireInteger } from "holdfast/adapters/etcd-protocol";
import { wireType } from "./wire-type.ts";

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Alive {
  readonly ID: WireInteger;
  readonly TTL: WireInteger;
}

async function serve(): Promise<{ member: Member; client: Client; close: () => Promise<void> }> {
  const member = createMemoryMember();
  const served = await serveMember({ member, client: { host: "127.0.0.1", port: 0 } });
  const client = new Client(`127.0.0.1:${served.clientAddress.port}`, credentials.createInsecure());
  opened.push(
    () => member.close(),
    () => served.close(),
    () => client.close(),
  );
  return { member, client, close: () => served.close() };
}

function keepAlive(client: Client): ClientDuplexStream<object, Alive> {
  const stream = client.makeBidiStreamRequest<object, Alive>(
    "/etcdserverpb.Lease/LeaseKeepAlive",
    (request) => (Buffer.isBuffer(request) ? request : wireType("LeaseKeepAliveRequest").encode(request)),
    (bytes) => wireType("LeaseKeepAliveResponse").decode(bytes) as Alive,
  );
  opened.push(() => stream.cancel());
  return stream;
}

/** Answers until the stream ends; with the code and the words that it ends with. */
async function answers(
  stream: ClientDuplexStream<object, Alive>,
): Promise<{ told: [bigint, number][]; code: number; details: string }> {
  const told: [bigint, number][] = [];
  stream.on("data", ({ ID, TTL }: Alive) => told.push([toBigInt(ID), toSafeInteger(TTL)]));
  stream.on("error", () => undefined);
  const { code, details } = await new Promise<StatusObject>((resolve) => stream.once("status", resolve));
  return { told, code, details };
}

describe("a stream of keep-alives", () => {
  it("answers each in turn, says 0 of a lease that is not there, and ends when the caller does", async () => {
    const { member, client } = await serve();
    await member.leaseGrant({ id: 1n, ttlSeconds: 10 });
    await member.leaseGrant({ id: -2n, ttlSeconds: 20 });
    const stream = keepAlive(client);
    for (const ID of [1, 99, -2, 1]) stream.write({ ID });
    stream.end();
    expect(await answers(stream)).toMatchObject({
      told: [
        [1n, 10],
        [99n, 0],
        [-2n, 20],
        [1n, 10],
      ],
      code: 0,
    });
  });

  it("answers thousands that come at once, in their order", async () => {
    const { member, client } = await serve();
    const ids = Array.from({ length: 5000 }, (_, at) => BigInt(at + 1));
    for (const id of ids) await member.leaseGrant({ id, ttlSeconds: Number(id) + 10 });
    const stream = keepAlive(client);
    for (const id of ids) stream.write({ ID: Number(id) });
    stream.end();
    const { told } = await answers(stream);
    expect(told).toEqual(ids.map((id) => [id, Number(id) + 10]));
  });

  it("ends at bytes that are no request, after the answers to those before", async () => {
    const { member, client } = await serve();
    await member.leaseGrant({ id: 1n, ttlSeconds: 10 });
    const stream = keepAlive(client);
    stream.write({ ID: 1 });
    stream.write(Buffer.from("08", "hex"));
    const { told, code, details } = await answers(stream);
    expect([code, told]).toEqual([13, [[1n, 10]]]);
    expect(details).toMatch(/^grpc: error unmarshalling request/);
  });

  it("ends with the server", async () => {
    const { client, close } = await serve();
    const stream = keepAlive(client);
    stream.write({ ID: 1 });
    await once(stream, "data");
    const ending = answers(stream);
    await close();
    expect(await ending).toMatchObject({ code: 14, details: "etcdserver: server stopped" });
  });

  it("ends with what a keep-alive fails with", async () => {
    const { member, client } = await serve();
    const stream = keepAlive(client);
    stream.write({ ID: 1 });
    await once(stream, "data");
    await member.close();
    const ending = answers(stream);
    stream.write({ ID: 1 });
    expect(await ending).toMatchObject({ code: 14, details: "etcdserver: server stopped" });
  });
});
