import { Buffer } from "node:buffer";
import type { MemberRole } from "holdfast/coordination";

/** What a node tells the others of itself by gossip; null is what it did not say, or not in a way we understand. */
export interface NodeNotice {
  /** In Raft. Null before it takes part. */
  readonly role: MemberRole | null;
  readonly clientUrl: string | null;
  readonly httpUrl: string | null;
  /** `HOST:PORT`, for Raft. */
  readonly peer: string | null;
}

const roles: readonly unknown[] = ["leader", "follower", "candidate"] satisfies MemberRole[];
const silence: NodeNotice = { role: null, clientUrl: null, httpUrl: null, peer: null };

export function encodeNotice({ role, clientUrl, httpUrl, peer }: NodeNotice): Uint8Array {
  return Buffer.from(JSON.stringify({ role, clientUrl, httpUrl, peer }));
}

/** Takes what makes sense: members of other versions may say more, or less. */
export function decodeNotice(meta: Uint8Array): NodeNotice {
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(meta).toString("utf8"));
  } catch {
    return silence;
  }
  if (typeof said !== "object" || said === null) return silence;
  const { role, clientUrl, httpUrl, peer } = said as Readonly<Record<string, unknown>>;
  return {
    role: roles.includes(role) ? (role as MemberRole) : null,
    clientUrl: originOf(clientUrl),
    httpUrl: originOf(httpUrl),
    peer: typeof peer === "string" && /^[^\s\p{Cc}]+:\d{1,5}$/u.test(peer) ? peer : null,
  };
}

function originOf(value: unknown): string | null {
  if (typeof value !== "string" || !URL.canParse(value)) return null;
  const url = new URL(value);
  return url.protocol === "http:" || url.protocol === "https:" ? url.origin : null;
}
