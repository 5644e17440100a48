import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeRuntime, type Connection, type Runtime } from "holdfast/runtime";
import { runtimeConformance } from "holdfast/testing";
import { afterAll, describe, expect, it } from "vitest";
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

it("an identity that is none is refused at once", () => {
  expect(() => nodeRuntime({ tls: { ...identity, key: "nothing" } })).toThrow(/PEM|DECODER/);
});
