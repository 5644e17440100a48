import type { Member, MembershipEvent } from "holdfast/membership";
import { expect, it } from "vitest";
import { membershipFact } from "./membership-fact.ts";

const member: Member = {
  name: "n2",
  host: "::1",
  port: 2382,
  meta: Uint8Array.of(1),
  incarnation: 4,
  state: "alive",
};
const fields = { member: "n2", host: "::1", port: 2382, incarnation: 4 };
const accused = { ...fields, from: "n3", lastHeardMs: 1_235 };

it.each<[MembershipEvent, object | undefined]>([
  [
    { type: "join", member },
    { type: "memberJoined", ...fields },
  ],
  [
    { type: "return", member },
    { type: "memberReturned", ...fields },
  ],
  [
    { type: "suspect", member, from: "n3" },
    { type: "memberSuspect", ...accused },
  ],
  [
    { type: "cleared", member },
    { type: "memberCleared", ...fields },
  ],
  [
    { type: "failed", member, from: "n3" },
    { type: "memberFailed", ...accused },
  ],
  [
    { type: "left", member },
    { type: "memberLeft", ...fields },
  ],
  [
    { type: "update", member },
    { type: "memberUpdated", ...fields },
  ],
  [
    { type: "forgotten", member },
    { type: "memberForgotten", ...fields },
  ],
  [
    { type: "conflict", name: "n2", known: member, other: { host: "10.0.0.1", port: 7 } },
    { type: "nameConflict", member: "n2", known: "[::1]:2382", other: "10.0.0.1:7" },
  ],
  [
    { type: "refuted", incarnation: 5 },
    { type: "selfRefuted", incarnation: 5 },
  ],
  [
    { type: "stalled", lagMs: 2_000.4 },
    { type: "selfStalled", lagMs: 2_000 },
  ],
  [{ type: "departed" }, undefined],
  [{ type: "user", id: "a", payload: new Uint8Array(0) }, undefined],
])("%o", (event, fact) => {
  expect(membershipFact(event, (name) => (name === "n2" ? 1_234.6 : -1))).toEqual(fact);
});
