import type { Member, MembershipEvent } from "holdfast/membership";
import type { Address } from "holdfast/runtime";
import type { MembershipFact } from "holdfast/telemetry";
import { addressText } from "../supervisor/cluster-plan.ts";

/** What of a membership's events is published; undefined for what only the membership's owner asked for. */
export function membershipFact(
  event: MembershipEvent,
  heardMsAgo: (name: string) => number,
): MembershipFact | undefined {
  switch (event.type) {
    case "join":
      return { type: "memberJoined", ...memberFields(event.member) };
    case "return":
      return { type: "memberReturned", ...memberFields(event.member) };
    case "suspect":
      return { type: "memberSuspect", ...accusationFields(event, heardMsAgo) };
    case "cleared":
      return { type: "memberCleared", ...memberFields(event.member) };
    case "failed":
      return { type: "memberFailed", ...accusationFields(event, heardMsAgo) };
    case "left":
      return { type: "memberLeft", ...memberFields(event.member) };
    case "update":
      return { type: "memberUpdated", ...memberFields(event.member) };
    case "forgotten":
      return { type: "memberForgotten", ...memberFields(event.member) };
    case "conflict":
      return {
        type: "nameConflict",
        member: event.name,
        known: addressText(event.known),
        other: addressText(event.other),
      };
    case "refuted":
      return { type: "selfRefuted", incarnation: event.incarnation };
    case "stalled":
      return { type: "selfStalled", lagMs: Math.round(event.lagMs) };
    default:
      return undefined;
  }
}

interface MemberFields extends Address {
  readonly member: string;
  readonly incarnation: number;
}

function memberFields({ name, host, port, incarnation }: Member): MemberFields {
  return { member: name, host, port, incarnation };
}

function accusationFields(
  { member, from }: { readonly member: Member; readonly from: string },
  heardMsAgo: (name: string) => number,
): MemberFields & { readonly from: string; readonly lastHeardMs: number } {
  return { ...memberFields(member), from, lastHeardMs: Math.round(heardMsAgo(member.name)) };
}
