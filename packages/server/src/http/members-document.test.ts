import { createMemoryMember } from "holdfast/coordination";
import { createMembership, type MembershipOptions } from "holdfast/membership";
import { nodeRuntime } from "holdfast/runtime";
import { afterEach, expect, it } from "vitest";
import { statusReader } from "../client/cluster-status.ts";
import { encodeNotice } from "../gossip/node-notice.ts";
import { serveMember, type ServeOptions } from "../serve.ts";

const any = { host: "127.0.0.1", port: 0 };
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function serve(options: Partial<ServeOptions> = {}): Promise<readonly string[]> {
  const served = await serveMember({ member: createMemoryMember(), client: any, http: any, ...options });
  opened.push(() => served.close());
  return [served.clientAddress, served.httpAddress].map((address) => `http://127.0.0.1:${address?.port}`);
}

function reader(): ReturnType<typeof statusReader> {
  const made = statusReader({ timeoutMs: 5_000 });
  opened.push(() => made.close());
  return made;
}

it("is served at both ports, in the order of names, with what each member told", async () => {
  const start = async (options: Omit<MembershipOptions, "runtime" | "host">) => {
    const membership = await createMembership({ runtime: nodeRuntime(), host: "127.0.0.1", ...options });
    opened.push(() => membership.close());
    return membership;
  };
  const notice = {
    role: "leader",
    clientUrl: "http://10.0.0.1:2379",
    httpUrl: "http://10.0.0.1:2381",
    peer: "10.0.0.1:2380",
  } as const;
  const b = await start({ name: "b", meta: encodeNotice(notice) });
  const a = await start({ name: "a", meta: Uint8Array.of(1, 2, 3) });
  await b.join([a.address]);
  // A membership by itself does not say since when.
  const known = { host: "127.0.0.1", state: "alive", incarnation: 0, sinceMs: null, unansweredMs: null };
  const silence = { role: null, clientUrl: null, httpUrl: null, peer: null };
  for (const url of await serve({ membership: b })) {
    expect(await reader().members([url])).toEqual({
      members: [
        { ...known, ...silence, name: "a", port: a.address.port, lastHeardMs: expect.any(Number) as number },
        { ...known, ...notice, name: "b", port: b.address.port, lastHeardMs: 0 },
      ],
    });
  }
});

it("is not there where nobody watches, and another endpoint is asked", async () => {
  const [url = ""] = await serve();
  await expect(reader().members([url])).rejects.toThrow(`${url} (no member that watches the others answers there)`);
});
