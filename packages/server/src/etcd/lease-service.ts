import type { Answer, LeaseKeepAliveResponse, LeaseTimeToLiveResponse, Member } from "holdfast/coordination";
import { MessageQueue } from "./message-queue.ts";
import { streaming, unary, type Method, type StreamCall } from "./method.ts";
import { fromHeader } from "./responses.ts";
import { fromBigInt, toBigInt, toSafeInteger, type WireInteger } from "holdfast/adapters/etcd-protocol";
import type { WireMessage } from "./wire-type.ts";

/** etcdserverpb.Lease */
export const leaseMethods: readonly Method[] = [
  unary(
    ["/etcdserverpb.Lease/LeaseGrant", "/lease/grant", "LeaseGrantRequest", "LeaseGrantResponse"],
    async (member, { message, options }) => {
      const { TTL } = message as { readonly TTL: WireInteger };
      const granted = await member.leaseGrant({ id: idOf(message), ttlSeconds: toSafeInteger(TTL) }, options);
      return { header: fromHeader(granted.header), ID: fromBigInt(granted.id), TTL: granted.ttlSeconds };
    },
  ),
  unary(
    [
      "/etcdserverpb.Lease/LeaseRevoke",
      ["/lease/revoke", "/kv/lease/revoke"],
      "LeaseRevokeRequest",
      "LeaseRevokeResponse",
    ],
    async (member, { message, options }) => {
      const { header } = await member.leaseRevoke({ id: idOf(message) }, options);
      return { header: fromHeader(header) };
    },
  ),
  streaming(
    ["/etcdserverpb.Lease/LeaseKeepAlive", "/lease/keepalive", "LeaseKeepAliveRequest", "LeaseKeepAliveResponse"],
    keepAlive,
  ),
  unary(
    [
      "/etcdserverpb.Lease/LeaseTimeToLive",
      ["/lease/timetolive", "/kv/lease/timetolive"],
      "LeaseTimeToLiveRequest",
      "LeaseTimeToLiveResponse",
    ],
    async (member, { message, options }) => {
      const { keys } = message as { readonly keys: boolean };
      return fromTimeToLive(await member.leaseTimeToLive({ id: idOf(message), keys }, options));
    },
  ),
  unary(
    [
      "/etcdserverpb.Lease/LeaseLeases",
      ["/lease/leases", "/kv/lease/leases"],
      "LeaseLeasesRequest",
      "LeaseLeasesResponse",
    ],
    async (member, { options }) => {
      const { leases, header } = await member.leases(options);
      return { header: fromHeader(header), leases: leases.map((id) => ({ ID: fromBigInt(id) })) };
    },
  ),
];

/** Keep-alives of one stream that wait for their answers; a client that sends more is held back. */
const maxUnderWay = 1024;

/** Answers come in the order of the requests, which are under way together: a client keeps all its leases on one stream. */
async function keepAlive(member: Member, call: StreamCall): Promise<void> {
  let room = Promise.withResolvers<void>();
  room.resolve();
  const answers = new MessageQueue<Promise<Answer<LeaseKeepAliveResponse>>>({
    maxLength: maxUnderWay,
    onFull: () => (room = Promise.withResolvers()),
    onRoom: () => room.resolve(),
  });
  // A name is of one request; these need none, because they may be repeated.
  const { identity: _identity, ...options } = call.options;

  async function take(): Promise<void> {
    for await (const message of call.requests) {
      const answer = member.leaseKeepAlive({ id: idOf(message) }, options);
      // The first that fails ends the stream, and nobody looks at the others.
      answer.catch(() => undefined);
      answers.push(answer);
      await room.promise;
    }
    answers.end();
  }

  async function tell(): Promise<void> {
    for await (const answer of answers) await call.send(fromKeepAlive(answer));
  }

  await Promise.all([take(), tell()]);
}

function idOf(message: WireMessage): bigint {
  return toBigInt((message as { readonly ID: WireInteger }).ID);
}

function fromKeepAlive({ id, ttlSeconds, header }: Answer<LeaseKeepAliveResponse>): WireMessage {
  return { header: fromHeader(header), ID: fromBigInt(id), TTL: ttlSeconds || undefined };
}

function fromTimeToLive(answer: Answer<LeaseTimeToLiveResponse>): WireMessage {
  return {
    header: fromHeader(answer.header),
    ID: fromBigInt(answer.id),
    TTL: answer.ttlSeconds || undefined,
    grantedTTL: answer.grantedTtlSeconds || undefined,
    keys: answer.keys,
  };
}
