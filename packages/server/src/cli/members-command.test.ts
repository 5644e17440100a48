import { expect, it } from "vitest";
import type { GossipMember } from "../http/members-document.ts";
import { renderMembers } from "./members-command.ts";

function member(name: string, more: Partial<GossipMember>): GossipMember {
  const urls = { clientUrl: `http://${name}:2379`, httpUrl: null, peer: null };
  return {
    name,
    host: name,
    port: 2382,
    state: "alive",
    role: "follower",
    ...urls,
    sinceMs: 60_000,
    lastHeardMs: 0,
    incarnation: 0,
    ...more,
  };
}

it("shows what each one is, or was, since when, and when it was heard", () => {
  const members = [
    member("a", { role: "leader" }),
    member("b", { state: "suspect", sinceMs: 400, lastHeardMs: 1_600 }),
    member("c", { state: "dead", role: "leader", sinceMs: 187_000, lastHeardMs: 192_400 }),
    member("d", { state: "left", role: null, clientUrl: null, host: "::1", sinceMs: null, lastHeardMs: 7_200_000 }),
  ];
  expect(renderMembers(members, (style, text) => (style === "red" ? `<${text}>` : text))).toEqual([
    "NAME  STATE      FOR    ROLE        HEARD      CLIENT         GOSSIP",
    "a     ● alive    1m00s  leader      now        http://a:2379  a:2382",
    "b     ◌ suspect  0s     follower    1s ago     http://b:2379  b:2382",
    "<c     ✕ dead     3m07s  was leader  3m12s ago  http://c:2379  c:2382>",
    "d     ○ left     -      -           2h00m ago  -              [::1]:2382",
  ]);
});

it("lets nobody's name move the cursor", () => {
  expect(renderMembers([member("a\u001B[2J", {})], (_, text) => text).join()).not.toContain("\u001B");
});
