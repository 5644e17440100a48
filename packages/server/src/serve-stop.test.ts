import { once } from "node:events";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { createMemoryMember, type Member } from "holdfast/coordination";
import { expect, it } from "vitest";
import { wireType } from "./etcd/wire-type.ts";
import { grpcCode } from "./grpc/status-code.ts";
import { serveMember } from "./serve.ts";

const unchanged = (bytes: Buffer): Buffer => bytes;

it("a node that closes ends watches with what clients begin anew on, and lets a backup be sent to its end", async () => {
  const inner = createMemoryMember();
  const mayEnd = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const backUp: Member["maintenance"]["backup"] = async (options) => {
    begun.resolve();
    await mayEnd.promise;
    return inner.maintenance.backup(options);
  };
  const maintenance = Object.assign(Object.create(inner.maintenance) as Member["maintenance"], { backup: backUp });
  const member = { ...inner, maintenance };
  const served = await serveMember({ member, client: { host: "127.0.0.1", port: 0 } });
  const client = new Client(`127.0.0.1:${served.clientAddress.port}`, credentials.createInsecure());
  const watch = client.makeBidiStreamRequest("/etcdserverpb.Watch/Watch", unchanged, unchanged);
  watch.write(wireType("WatchRequest").encode({ create_request: { key: Buffer.from("a") } }));
  await once(watch, "data");
  const path = "/etcdserverpb.Maintenance/Snapshot";
  const backup = client.makeServerStreamRequest(path, unchanged, unchanged, Buffer.alloc(0));
  const chunks: Buffer[] = [];
  backup.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = once(backup, "end");
  await begun.promise;
  const closing = served.close();
  const [error] = (await once(watch, "error")) as [ServiceError];
  expect(error).toMatchObject({ code: grpcCode.UNAVAILABLE, details: "etcdserver: server stopped" });
  mayEnd.resolve();
  await ended;
  expect(Buffer.concat(chunks).length).toBeGreaterThan(10_000);
  await closing;
  client.close();
});
