import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeRuntime, renewableTls, type Connection, type Runtime, type TlsIdentity } from "holdfast/runtime";
import { runtimeConformance } from "holdfast/testing";
import { afterAll, describe, expect, it } from "vitest";
import { createAuthority, issueCertificate } from "../../packages/server/src/tls/certificate-authority.ts";
import { certificateAuthority, readIdentity } from "./certificates.ts";

const authority = certificateAuthority();
const identity = readIdentity(authority.issue("member"));

afterAll(() => authority.remove());

runtimeConformance({
  name: "nodeRuntime in TLS",
  describe,
  it,
  async run(test) {
    const directory = await mkdtemp(join(tmpdir(), "holdfast-runtime-"));
    const runtime = nodeRuntime({ seed: 1, tls: identity });
    try {
      await test(runtime, { host: "127.0.0.1", directory, peer: runtime });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
});

const ignore = { onData: () => undefined, onClose: () => undefined };

/** How a stream from `dialler` to a listener of ours ends, or why there was none, and how many the listener took. */
async function attempt(dialler: Runtime): Promise<{ readonly outcome: string; readonly accepted: number }> {
  const accepted: Connection[] = [];
  const listener = await nodeRuntime({ tls: identity }).network.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
    accepted.push(connection);
    connection.handle(ignore);
    connection.write(new Uint8Array([1]));
  });
  const listened = (outcome: string): { outcome: string; accepted: number } => ({ outcome, accepted: accepted.length });
  try {
    const connection = await dialler.network.connect(listener.address);
    const outcome = await new Promise<string>((resolve) => {
      connection.handle({
        onData: () => {
          connection.destroy();
          resolve("heard");
        },
        onClose: (error) => resolve((error as { code?: string } | undefined)?.code ?? "closed"),
      });
    });
    return listened(outcome);
  } catch (error) {
    return listened(String((error as { code?: string }).code));
  } finally {
    for (const connection of accepted) connection.destroy();
    await listener.close();
  }
}

describe("a listener in TLS", () => {
  it("hears whom its authority has certified", async () => {
    expect(await attempt(nodeRuntime({ tls: identity }))).toEqual({ outcome: "heard", accepted: 1 });
  });

  it("does not hear a stranger", async () => {
    const other = certificateAuthority();
    const stranger = { ...readIdentity(other.issue("stranger")), ca: identity.ca };
    other.remove();
    expect(await attempt(nodeRuntime({ tls: stranger }))).toMatchObject({
      outcome: expect.not.stringMatching("heard"),
      accepted: 0,
    });
  });

  it("is not believed by whoever trusts another authority", async () => {
    const other = certificateAuthority();
    const suspicious = readIdentity(other.issue("suspicious"));
    other.remove();
    expect(await attempt(nodeRuntime({ tls: suspicious }))).toMatchObject({ outcome: "SELF_SIGNED_CERT_IN_CHAIN" });
  });

  it("takes no plain stream", async () => {
    const accepted: Connection[] = [];
    const listener = await nodeRuntime({ tls: identity }).network.listen(
      { host: "127.0.0.1", port: 0 },
      (connection) => {
        accepted.push(connection);
      },
    );
    const socket = connectPlain(listener.address.port, "127.0.0.1");
    socket.write("hello, who is there?");
    await new Promise((resolve) => socket.on("error", () => undefined).on("close", resolve));
    expect(accepted).toEqual([]);
    await listener.close();
  });
});

describe("an identity that is renewed", () => {
  const [dayMs, now] = [86_400_000, Date.now()];
  const days = (from: number, until: number) => {
    return { validFrom: new Date(now + from * dayMs), validUntil: new Date(now + until * dayMs) };
  };

  /** An authority, and what it issues for so many days from now on. */
  function issuer(): (until: number) => TlsIdentity {
    const root = createAuthority({ name: "root", ...days(-3, 3) });
    return (until) => {
      const pair = issueCertificate(root, { name: "member", hosts: ["127.0.0.1"], ...days(-2, until) });
      return { ...pair, ca: root.cert };
    };
  }

  it("goes over to another authority, and keeps the streams that are open", async () => {
    const [old, next] = [issuer(), issuer()];
    const [expired, present, renewed] = [old(-1), old(1), next(1)];
    const tls = renewableTls(expired);
    const { network } = nodeRuntime({ tls });
    const echoes: Connection[] = [];
    const listener = await network.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
      echoes.push(connection);
      connection.handle({ ...ignore, onData: (bytes) => void connection.write(bytes) });
    });
    /** What a stream echoes to one who goes by another identity, or by the same. */
    const open = async (own?: TlsIdentity): Promise<(text: string) => Promise<string>> => {
      const dialler = own === undefined ? network : nodeRuntime({ tls: own }).network;
      const connection = await dialler.connect(listener.address);
      let echo = Promise.withResolvers<string>();
      connection.handle({
        onData: (bytes) => echo.resolve(Buffer.from(bytes).toString()),
        onClose: (error) => echo.reject(error ?? new Error("closed")),
      });
      echo.promise.catch(() => undefined);
      return async (text) => {
        connection.write(Buffer.from(text));
        const heard = await echo.promise;
        echo = Promise.withResolvers();
        echo.promise.catch(() => undefined);
        return heard;
      };
    };

    await expect(open(present)).rejects.toMatchObject({ code: "CERT_HAS_EXPIRED" });
    tls.renew(present);
    const first = await open();
    expect(await first("1")).toBe("1");

    expect(() => tls.renew({ ...renewed, key: present.key })).toThrow(/key values mismatch/);
    expect(tls.identity).toBe(present);
    expect(await (await open(present))("2")).toBe("2");

    tls.renew(renewed);
    expect(await (await open())("3")).toBe("3");
    expect(await (await open(renewed))("4")).toBe("4");
    await expect(open(present)).rejects.toMatchObject({ code: expect.stringMatching(/SELF_SIGNED|UNABLE/) });
    await expect(open({ ...present, ca: renewed.ca }).then((say) => say("5"))).rejects.toThrow();
    expect(await first("6")).toBe("6");

    await listener.close();
    for (const connection of echoes) connection.destroy();
  });
});

it("an identity that is none is refused at once", () => {
  expect(() => renewableTls({ ...identity, cert: "nothing" })).toThrow(/PEM/);
  expect(() => nodeRuntime({ tls: { ...identity, key: "nothing" } })).toThrow(/PEM|DECODER/);
});
