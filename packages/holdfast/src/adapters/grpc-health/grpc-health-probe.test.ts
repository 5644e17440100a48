import { createServer as createHttp2 } from "node:http2";
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from "node:net";
import { Server as GrpcServer, ServerCredentials, status as codes } from "@grpc/grpc-js";
import { afterAll, describe, expect, it } from "vitest";
import { grpcHealthProbe } from "./grpc-health-probe.ts";
import { decodeResponse, encodeRequest } from "./health-messages.ts";

const signal = new AbortController().signal;
const probe = grpcHealthProbe();
const closing: (() => void)[] = [];
afterAll(() => closing.forEach((close) => close()));

/** The gRPC project's own server, with a health service whose messages it leaves as bytes. */
async function grpcServer(answerOf: (service: string) => number | undefined): Promise<string> {
  const bytes = (value: Buffer): Buffer => value;
  const definition = {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
  const server = new GrpcServer();
  server.addService(
    { Check: definition },
    {
      Check: (
        { request }: { readonly request: Buffer },
        done: (error: object | null, answer?: Buffer) => void,
      ): void => {
        const status = answerOf(request.subarray(2).toString("utf8"));
        if (status === undefined) done({ code: codes.NOT_FOUND, details: "unknown service" });
        else done(null, Buffer.from([0x08, status]));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
  closing.push(() => server.forceShutdown());
  return `http://127.0.0.1:${port}`;
}

async function listening(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("gRPC's health protocol", () => {
  it("gives the word of a real server's answer", async () => {
    const asked: string[] = [];
    const table: Readonly<Record<string, number>> = { "": 1, shop: 2, größe: 1, odd: 9 };
    const url = await grpcServer((service) => {
      asked.push(service);
      return table[service];
    });
    expect(await probe(url, "", { signal })).toBe("SERVING");
    expect(await probe(url, "shop", { signal })).toBe("NOT_SERVING");
    expect(await probe(url, "größe", { signal })).toBe("SERVING");
    expect(await probe(url, "odd", { signal })).toBe("UNKNOWN");
    expect(await probe(url, "nobody", { signal })).toBe("SERVICE_UNKNOWN");
    expect(asked).toEqual(["", "shop", "größe", "odd", "nobody"]);
  });

  it("tells what speaks something else", async () => {
    const server = new GrpcServer();
    const port = await new Promise<number>((resolve) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, port) => resolve(port)),
    );
    closing.push(() => server.forceShutdown());
    await expect(probe(`http://127.0.0.1:${port}`, "", { signal })).rejects.toMatchObject({
      message: "the server does not speak grpc.health.v1",
      retryable: false,
    });
    const web = createHttp2((_, response) => response.writeHead(404).end("no"));
    closing.push(() => web.close());
    await expect(probe(await listening(web), "", { signal })).rejects.toThrow("no gRPC answer (HTTP status 404)");
  });

  it("ends when nobody is there, nobody answers, or the connection breaks", async () => {
    await expect(probe("http://127.0.0.1:1", "", { signal })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const sockets: Socket[] = [];
    const server: Server = createTcp((socket) => sockets.push(socket));
    closing.push(() => server.close());
    const url = await listening(server);
    const controller = new AbortController();
    const asking = probe(url, "", { signal: controller.signal });
    await new Promise((resolve) => server.once("connection", resolve));
    controller.abort(new Error("enough"));
    await expect(asking).rejects.toThrow("enough");
    const again = probe(url, "", { signal });
    await new Promise((resolve) => server.once("connection", resolve));
    for (const socket of sockets) socket.destroy();
    await expect(again).rejects.toThrow();
  });

  it("has messages as the protocol says", () => {
    expect(encodeRequest("").toString("hex")).toBe("0000000000");
    expect(encodeRequest("ab").toString("hex")).toBe("00000000040a026162");
    const long = encodeRequest("x".repeat(200));
    expect([long.subarray(0, 8).toString("hex"), long.length]).toEqual(["00000000cb0ac801", 208]);
    const answer = (hex: string): string | undefined => decodeResponse(Buffer.from(hex, "hex"));
    expect(answer("0000000000")).toBe("UNKNOWN");
    expect(answer("00000000020801")).toBe("SERVING");
    // A text that a later version has.
    expect(answer("0000000005120161 0802".replace(" ", ""))).toBe("NOT_SERVING");
    for (const hex of ["", "0100000000", "00000000030801", "000000000108", "00000000020d01"]) {
      expect(answer(hex)).toBeUndefined();
    }
  });
});
