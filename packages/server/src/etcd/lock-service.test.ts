import { Buffer } from "node:buffer";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { createMemoryMember, type Member } from "holdfast/coordination";
import { afterEach, describe, expect, it } from "vitest";
import { grpcCode } from "../grpc/status-code.ts";
import { serveMember, type ServeLimits } from "../serve.ts";
import type { MessageName } from "holdfast/adapters/etcd-protocol";
import { wireType } from "./wire-type.ts";

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Served {
  readonly member: Member;
  readonly call: (
    path: string,
    request: object,
    token?: string,
  ) => { cancel(): void; readonly outcome: Promise<object> };
  readonly close: () => Promise<void>;
}

const bytes = (text: string): Buffer => Buffer.from(text);

async function serve(limits: ServeLimits = {}): Promise<Served> {
  const member = createMemoryMember();
  const served = await serveMember({ member, client: { host: "127.0.0.1", port: 0 }, limits });
  const client = new Client(`127.0.0.1:${served.clientAddress.port}`, credentials.createInsecure());
  const close = (): Promise<void> => served.close();
  opened.push(
    () => member.close(),
    close,
    () => client.close(),
  );
  return {
    member,
    close,
    call(path, request, token) {
      const { promise, resolve } = Promise.withResolvers<object>();
      const metadata = new Metadata();
      if (token !== undefined) metadata.set("token", token);
      const name = path.split("/").at(-1)!;
      const call = client.makeUnaryRequest(
        path,
        (message: object) => wireType(`${name}Request` as MessageName).encode(message),
        (answer) => wireType(`${name}Response` as MessageName).decode(answer),
        request,
        metadata,
        {},
        (error: ServiceError | null, answer?: object) =>
          resolve(error === null ? answer! : { code: error.code, details: error.details }),
      );
      return { outcome: promise, cancel: () => call.cancel() };
    },
  };
}

const lockPath = "/v3lockpb.Lock/Lock";

/** Until so many keys are in the line. */
async function untilWaiting(member: Member, count: number): Promise<void> {
  const watcher = await member.watch({ key: bytes("l/"), rangeEnd: bytes("l0") });
  for (;;) {
    const { count: now } = await member.range({ key: bytes("l/"), rangeEnd: bytes("l0") });
    if (now === count) break;
    await watcher.next();
  }
  await watcher.close();
}

describe("a call that waits for a lock", () => {
  it("is bounded as streams are, and leaves the line when it is cancelled", async () => {
    const { member, call } = await serve({ maxConcurrentStreams: 1, maxConcurrentRequests: 1 });
    const held = (await call(lockPath, { name: bytes("l") }).outcome) as { readonly key: Buffer };
    const waiting = call(lockPath, { name: bytes("l") });
    await untilWaiting(member, 2);
    expect(await call(lockPath, { name: bytes("l") }).outcome).toMatchObject({ code: grpcCode.RESOURCE_EXHAUSTED });
    waiting.cancel();
    expect(await waiting.outcome).toMatchObject({ code: grpcCode.CANCELLED });
    await untilWaiting(member, 1);
    await call("/v3lockpb.Lock/Unlock", { key: held.key }).outcome;
    await untilWaiting(member, 0);
  });

  it("does not hold up the server's end", async () => {
    const { member, call, close } = await serve();
    await call(lockPath, { name: bytes("l") }).outcome;
    const waiting = call(lockPath, { name: bytes("l") });
    await untilWaiting(member, 2);
    await close();
    expect(await waiting.outcome).toEqual({ code: grpcCode.UNAVAILABLE, details: "etcdserver: server stopped" });
  });

  it("is made in the name of its caller", async () => {
    const { member, call } = await serve();
    const { auth } = member;
    await auth.change({ type: "userAdd", name: "root", password: "r" });
    await auth.change({ type: "roleAdd", name: "root" });
    await auth.change({ type: "userGrantRole", name: "root", role: "root" });
    await auth.change({ type: "userAdd", name: "eve", password: "e" });
    await auth.change({ type: "roleAdd", name: "locks" });
    const permission = { type: "readWrite", key: bytes("mine/"), rangeEnd: bytes("mine0") } as const;
    await auth.change({ type: "roleGrantPermission", name: "locks", permission });
    await auth.change({ type: "userGrantRole", name: "eve", role: "locks" });
    await auth.change({ type: "authEnable" });
    const { token } = await auth.authenticate({ name: "eve", password: "e" });
    expect(await call(lockPath, { name: bytes("mine") }, token).outcome).toMatchObject({
      key: expect.toSatisfy((key: Buffer) => key.toString().startsWith("mine/")),
    });
    const denied = { code: grpcCode.UNKNOWN, details: "etcdserver: permission denied" };
    expect(await call(lockPath, { name: bytes("other") }, token).outcome).toEqual(denied);
    expect(await call("/v3electionpb.Election/Campaign", { name: bytes("other") }, token).outcome).toEqual(denied);
    expect(await call("/v3electionpb.Election/Leader", { name: bytes("other") }, token).outcome).toEqual(denied);
    expect(await call(lockPath, { name: bytes("mine") }).outcome).toEqual({
      code: grpcCode.UNKNOWN,
      details: "etcdserver: user name is empty",
    });
  });
});
