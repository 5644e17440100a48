import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { Etcd3 } from "etcd3";
import { serveMember, type ServeEvent, type Served } from "@holdfast/server";
import { createMemoryMember } from "holdfast/coordination";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { certificateAuthority, readIdentity, type CertificateFiles } from "./certificates.ts";

const authority = certificateAuthority();
const server = authority.issue("server");
const client = authority.issue("client");
const { key, cert, ca } = readIdentity(server);
const any = { host: "127.0.0.1", port: 0 };
const opened: (() => unknown)[] = [];

afterAll(() => authority.remove());
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function serve(mutual: boolean, onEvent?: (event: ServeEvent) => void): Promise<Served> {
  const served = await serveMember({
    member: createMemoryMember(),
    client: any,
    http: any,
    tls: mutual ? { key, cert, ca } : { key, cert },
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  opened.push(() => served.close());
  return served;
}

/** Runs etcdctl against the client port, and gives what it wrote. */
async function etcdctl(served: Served, options: readonly string[], ...args: string[]): Promise<string> {
  const endpoint = `--endpoints=https://127.0.0.1:${served.clientAddress.port}`;
  const env = { ...process.env, ETCDCTL_API: "3" };
  const run = promisify(execFile)(
    "etcdctl",
    [endpoint, "--command-timeout=2s", "--dial-timeout=2s", ...options, ...args],
    {
      env,
    },
  );
  return await run.then(
    ({ stdout }) => stdout,
    (error: { stderr: string }) => error.stderr,
  );
}

const trusting = [`--cacert=${server.ca}`];
const certified = [...trusting, `--cert=${client.cert}`, `--key=${client.key}`];

async function get(port: number, path: string, files: CertificateFiles): Promise<string> {
  const tls = readIdentity(files);
  const request = httpsRequest({ host: "127.0.0.1", port, path, ...tls, agent: false }).end();
  const [response] = (await once(request, "response")) as [NodeJS.ReadableStream];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}

describe("a member served in TLS", () => {
  it("is reached by etcdctl, by the etcd3 client, and over HTTPS on both ports", async () => {
    const served = await serve(false);
    expect(await etcdctl(served, trusting, "put", "a", "1")).toBe("OK\n");
    const etcd = new Etcd3({
      hosts: [`https://127.0.0.1:${served.clientAddress.port}`],
      credentials: { rootCertificate: readFileSync(server.ca) },
    });
    opened.push(() => etcd.close());
    expect(await etcd.get("a").string()).toBe("1");
    for (const address of [served.clientAddress, served.httpAddress]) {
      expect(await get(address?.port ?? 0, "/health", client)).toBe('{"health":"true"}');
    }
  });

  it("is not reached by a client that trusts another authority, or speaks no TLS", async () => {
    const events: ServeEvent[] = [];
    const served = await serve(false, (event) => events.push(event));
    const other = certificateAuthority();
    opened.push(() => other.remove());
    expect(await etcdctl(served, [`--cacert=${other.issue("x").ca}`], "get", "a")).toMatch(/deadline|certificate/);
    const plain = connectPlain(served.clientAddress.port, "127.0.0.1");
    plain.write("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    plain.on("error", () => undefined);
    await once(plain, "close");
    expect(events.filter((event) => event.type === "handshakeFailed").length).toBeGreaterThanOrEqual(2);
    expect(events.filter((event) => event.type === "request")).toEqual([]);
  });

  it("with an authority for clients, hears only who shows a certificate of it", async () => {
    const served = await serve(true);
    expect(await etcdctl(served, certified, "put", "a", "1")).toBe("OK\n");
    expect(await etcdctl(served, trusting, "get", "a")).toMatch(/deadline|certificate/);
    const other = certificateAuthority();
    opened.push(() => other.remove());
    const stranger = { ...other.issue("stranger"), ca: server.ca };
    await expect(get(served.httpAddress?.port ?? 0, "/health", stranger)).rejects.toThrow(/alert|reset|hang up/i);
    expect(await get(served.httpAddress?.port ?? 0, "/health", client)).toBe('{"health":"true"}');
  });

  it("shows a new certificate without a restart, and refuses one that is none", async () => {
    const served = await serve(false);
    const shown = async (): Promise<string | undefined> => {
      const socket = connectTls({ host: "127.0.0.1", port: served.clientAddress.port, ca });
      opened.push(() => socket.destroy());
      await once(socket, "secureConnect");
      // The server has finished its side of the handshake, too, when it answers.
      socket.write("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
      await once(socket, "data");
      return String(socket.getPeerCertificate().subject.CN);
    };
    expect(await shown()).toBe("server");
    served.setTls(readIdentity(authority.issue("renewed")));
    expect(await shown()).toBe("renewed");
    expect(() => served.setTls({ key, cert: "nothing" })).toThrow(/PEM/);
    expect(await shown()).toBe("renewed");
  });
});
