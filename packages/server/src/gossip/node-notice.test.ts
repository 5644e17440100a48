import { expect, it } from "vitest";
import { decodeNotice, encodeNotice, type NodeNotice } from "./node-notice.ts";

const notice: NodeNotice = {
  role: "follower",
  clientUrl: "http://10.0.0.1:2379",
  httpUrl: "http://[::1]:2381",
  peer: "10.0.0.1:2380",
};
const nothing = { role: null, clientUrl: null, httpUrl: null, peer: null };

it("comes back as it was said, also where something is not known", () => {
  expect(decodeNotice(encodeNotice(notice))).toEqual(notice);
  expect(decodeNotice(encodeNotice({ ...notice, role: null }))).toEqual({ ...notice, role: null });
});

it.each<[string, string, Partial<NodeNotice>]>([
  ["nothing", "", {}],
  ["no JSON", "\u0000\u0001", {}],
  ["no object", "null", {}],
  ["a role nobody knows", '{"role":"king","clientUrl":"http://a:1"}', { clientUrl: "http://a:1" }],
  ["what is no URL", '{"role":"leader","clientUrl":"a:1","httpUrl":7}', { role: "leader" }],
  ["a URL of another scheme", '{"clientUrl":"javascript:alert(1)"}', {}],
  ["control characters", '{"peer":"a\\u001b[2J:1"}', {}],
  ["more than we know", '{"role":"leader","zone":"b"}', { role: "leader" }],
])("of %s is taken what makes sense", (_, said, expected) => {
  expect(decodeNotice(new TextEncoder().encode(said))).toEqual({ ...nothing, ...expected });
});
