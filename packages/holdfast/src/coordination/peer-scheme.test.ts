import { describe, expect, it } from "vitest";
import { simulate } from "../runtime/index.ts";
import { createMember, type MemberOptions } from "./member.ts";
import { peerUrlIn } from "./cluster/peer-url.ts";
import type { ReplicatedMember } from "./replicated-member.ts";

const members = [{ name: "a", peer: { host: "a", port: 2380 } }];

/** A lone member that leads. */
function withMember(
  options: Partial<MemberOptions>,
  test: (member: ReplicatedMember) => Promise<unknown>,
): Promise<unknown> {
  return simulate({ seed: 1 }, async (world) => {
    const process = world.process("a");
    process.start(() => undefined);
    const { runtime } = process;
    const own = {
      runtime,
      name: "a",
      directory: "/data",
      peer: { host: "a", port: 2380 },
      clientUrls: [],
      httpUrls: [],
    };
    const member = await createMember({ ...own, cluster: { name: "test", members }, ...options });
    // Who has just begun to lead does not know yet who is there.
    await world.clock.sleep(5_000);
    await test(member);
    await member.close();
  });
}

const urlsOf = (member: ReplicatedMember): unknown => member.members().map(({ peerUrls }) => peerUrls);

describe("members that speak TLS with each other", () => {
  it("are told so, whatever was said when they were added", () =>
    withMember({ peerScheme: "https" }, async (member) => {
      expect(urlsOf(member)).toEqual([["https://a:2380"]]);
      const { cluster, id } = member;
      const peerUrls = ["http://b:2380", "https://b:2380", "https://b.local:2380"];
      const added = await cluster.memberAdd({ peerUrls });
      expect(added.member.peerUrls).toEqual(["https://b.local:2380", "https://b:2380"]);
      await expect(cluster.memberUpdate(id, ["http://b:2380"])).rejects.toMatchObject({ code: "PEER_URL_EXISTS" });
      const { members: told } = await cluster.memberUpdate(id, ["http://a.local:2380"]);
      expect(told.find((info) => info.id === id)?.peerUrls).toEqual(["https://a.local:2380"]);
    }));

  it("are not, where they do not", () =>
    withMember({}, async (member) => {
      expect(urlsOf(member)).toEqual([["http://a:2380"]]);
      const { cluster, id } = member;
      for (const peerUrls of [["https://b:2380"], ["http://b:2380", "https://b:2380"]]) {
        await expect(cluster.memberAdd({ peerUrls })).rejects.toMatchObject({ code: "BAD_MEMBER_URLS" });
        await expect(cluster.memberUpdate(id, peerUrls)).rejects.toMatchObject({ code: "BAD_MEMBER_URLS" });
      }
      expect((await cluster.memberAdd({ peerUrls: ["http://b:2380"] })).member.peerUrls).toEqual(["http://b:2380"]);
    }));

  it("say http or https", () =>
    expect(withMember({ peerScheme: "tls" as "https" }, () => Promise.resolve())).rejects.toThrow(
      'peerScheme must be "http" or "https" (got "tls")',
    ));
});

it.each([
  ["http", "https://a:1", "http://a:1"],
  ["https", "http://https:1", "https://https:1"],
  ["https", "https://a:1", "https://a:1"],
] as const)("%s of %s is %s", (scheme, url, expected) => {
  expect(peerUrlIn(scheme, url)).toBe(expected);
});
