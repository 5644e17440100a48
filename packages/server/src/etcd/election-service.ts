import { Buffer } from "node:buffer";
import {
  frontOf,
  hexOf,
  joinKey,
  observeFront,
  takeTurn,
  type Answer,
  type Coordination,
  type Member,
  type RequestOp,
  type RequestOptions,
  type TxnResponse,
} from "holdfast/coordination";
import { grpcCode } from "../grpc/status-code.ts";
import { asClient, inNameOf, withLease } from "./caller-coordination.ts";
import { streaming, unary, waiting, type Method, type StreamCall } from "./method.ts";
import { bytes } from "./requests.ts";
import { fromHeader, fromPair } from "./responses.ts";
import { RequestError } from "./status.ts";
import { fromBigInt, toBigInt, toSafeInteger, type WireInteger } from "holdfast/adapters/etcd-protocol";
import type { WireMessage } from "./wire-type.ts";

interface LeaderKeyMessage {
  readonly name: Uint8Array;
  readonly key: Uint8Array;
  readonly rev: WireInteger;
  readonly lease: WireInteger;
}

/** v3electionpb.Election: elections for clients that have no recipe of their own. */
export const electionMethods: readonly Method[] = [
  waiting(
    ["/v3electionpb.Election/Campaign", "/election/campaign", "CampaignRequest", "CampaignResponse"],
    (member, { message, options }) => asClient(() => campaign(inNameOf(member, options), message, options.signal!)),
  ),
  unary(
    ["/v3electionpb.Election/Proclaim", "/election/proclaim", "ProclaimRequest", "ProclaimResponse"],
    (member, { message, options }) =>
      asClient(async () => {
        const { leader, value } = message as { readonly leader: LeaderKeyMessage | null; readonly value: Uint8Array };
        const { key, lease } = required(leader);
        const put = { key: bytes(key), value: bytes(value), lease: toBigInt(lease) };
        const answer = await whileLeading(member, required(leader), { type: "put", request: put }, options);
        if (!answer.succeeded) throw unknown("election: not leader");
        return { header: fromHeader(answer.header) };
      }),
  ),
  unary(
    ["/v3electionpb.Election/Leader", "/election/leader", "LeaderRequest", "LeaderResponse"],
    (member, { message, options }) =>
      asClient(async () => {
        const { pair, header } = await frontOf(inNameOf(member, options), prefixOf(message), options.signal);
        if (pair === undefined) throw unknown("election: no leader");
        return { header: fromHeader(header), kv: fromPair(pair) };
      }),
  ),
  streaming(["/v3electionpb.Election/Observe", "/election/observe", "LeaderRequest", "LeaderResponse"], observe),
  unary(
    ["/v3electionpb.Election/Resign", "/election/resign", "ResignRequest", "ResignResponse"],
    (member, { message, options }) =>
      asClient(async () => {
        const leader = required((message as { readonly leader: LeaderKeyMessage | null }).leader);
        const remove: RequestOp = { type: "deleteRange", request: { key: bytes(leader.key) } };
        // One who does not lead has nothing to resign.
        return { header: fromHeader((await whileLeading(member, leader, remove, options)).header) };
      }),
  ),
];

async function campaign(coordination: Coordination, message: WireMessage, signal: AbortSignal): Promise<WireMessage> {
  const { name, lease, value } = message as {
    readonly name: Uint8Array;
    readonly lease: WireInteger;
    readonly value: Uint8Array;
  };
  return await withLease(coordination, toBigInt(lease), signal, async (session, either) => {
    const line = { session, prefix: prefixOf(message), lostCode: "LEADERSHIP_OVER" } as const;
    const key = joinKey(line.prefix, hexOf(session.leaseId));
    const said = bytes(value);
    // One who campaigns again, with the same lease, may say something else.
    const place = await takeTurn(line, key, said, either, async (pair) => {
      if (Buffer.compare(pair.value, said) === 0) return;
      const put = { key, value: said, lease: session.leaseId };
      await coordination.txn({
        compare: [{ key, target: "create", result: "equal", operand: pair.createRevision }],
        success: [{ type: "put", request: put }],
        failure: [],
      });
    });
    return {
      header: fromHeader(place.header),
      leader: { name: bytes(name), key, rev: place.createRevision, lease: fromBigInt(session.leaseId) },
    };
  });
}

/** Every leader, and whatever it proclaims; nothing while there is none, as in etcd. */
async function observe(member: Member, call: StreamCall): Promise<void> {
  const { options, requests } = call;
  for await (const message of requests) {
    const { signal } = options;
    const fronts = observeFront(inNameOf(member, options), prefixOf(message), signal === undefined ? {} : { signal });
    for await (const { pair, header } of fronts) {
      if (pair !== undefined) await call.send({ header: fromHeader(header), kv: fromPair(pair) });
    }
  }
}

/** @throws RequestError as etcd has it */
function required(leader: LeaderKeyMessage | null): LeaderKeyMessage {
  if (leader === null || leader === undefined) throw unknown(`"leader" field must be provided`);
  return leader;
}

function whileLeading(
  member: Member,
  { key, rev }: LeaderKeyMessage,
  operation: RequestOp,
  options: RequestOptions,
): Promise<Answer<TxnResponse>> {
  const compare = { key: bytes(key), target: "create", result: "equal", operand: toSafeInteger(rev) } as const;
  return member.txn({ compare: [compare], success: [operation], failure: [] }, options);
}

function prefixOf(message: WireMessage): Uint8Array {
  return joinKey(bytes((message as { readonly name: Uint8Array }).name), "/");
}

function unknown(message: string): RequestError {
  return new RequestError(grpcCode.UNKNOWN, message);
}
