import type { Alarm, AlarmsResponse, AlarmType, Member } from "holdfast/coordination";
import { grpcCode } from "../grpc/status-code.ts";
import { snapshotFile } from "../backup/snapshot-file.ts";
import { streaming, unary, type Method, type MethodCall, type StreamCall } from "./method.ts";
import { fromHeader, statusResponse, wireId } from "./responses.ts";
import { RequestError } from "./status.ts";
import { fromBigInt, toUnsignedBigInt, toSafeInteger, type WireInteger } from "holdfast/adapters/etcd-protocol";
import type { WireMessage } from "./wire-type.ts";

/** etcdserverpb.Maintenance */
export const maintenanceMethods: readonly Method[] = [
  unary(["/etcdserverpb.Maintenance/Status", "/maintenance/status", "StatusRequest", "StatusResponse"], statusResponse),
  unary(["/etcdserverpb.Maintenance/Alarm", "/maintenance/alarm", "AlarmRequest", "AlarmResponse"], alarm),
  unary(
    ["/etcdserverpb.Maintenance/Defragment", "/maintenance/defragment", "DefragmentRequest", "DefragmentResponse"],
    // Freed memory is used again without it, and the log's files go by themselves.
    () => ({}),
  ),
  unary(
    ["/etcdserverpb.Maintenance/Hash", "/maintenance/hash", "HashRequest", "HashResponse"],
    async (member, { options }) => {
      const { hash, header } = await member.maintenance.hash(options);
      return { header: fromHeader(header), hash };
    },
  ),
  unary(
    ["/etcdserverpb.Maintenance/HashKV", "/maintenance/hashkv", "HashKVRequest", "HashKVResponse"],
    async (member, { message, options }) => {
      const { revision } = message as { readonly revision: WireInteger };
      const answer = await member.maintenance.hashKv(toSafeInteger(revision), options);
      return { header: fromHeader(answer.header), hash: answer.hash, compact_revision: answer.compactedRevision };
    },
  ),
  streaming(
    ["/etcdserverpb.Maintenance/Snapshot", "/maintenance/snapshot", "SnapshotRequest", "SnapshotResponse"],
    snapshot,
    true,
  ),
  unary(
    [
      "/etcdserverpb.Maintenance/MoveLeader",
      "/maintenance/transfer-leadership",
      "MoveLeaderRequest",
      "MoveLeaderResponse",
    ],
    async (member, { message, options }) => {
      const { targetID } = message as { readonly targetID: WireInteger };
      const { header } = await member.cluster.moveLeader(toUnsignedBigInt(targetID), options);
      return { header: fromHeader(header) };
    },
  ),
];

/** By their number on the wire, where 0 stands for any. */
const alarmTypes: readonly AlarmType[] = ["NOSPACE", "CORRUPT"];

interface AlarmMessage {
  readonly action: number;
  readonly memberID: WireInteger;
  readonly alarm: number;
}

async function alarm({ maintenance }: Member, { message, options }: MethodCall): Promise<WireMessage> {
  const { action, memberID, alarm: wanted } = message as AlarmMessage;
  const type = alarmTypes[wanted - 1];
  if (type === undefined && wanted !== 0) throw outOfRange("alarm", wanted);
  if (action === 0) {
    const { alarms } = await maintenance.alarms(options);
    return fromAlarms({ alarms: alarms.filter((raised) => type === undefined || raised.type === type) });
  }
  if (action !== 1 && action !== 2) throw outOfRange("action", action);
  // etcd does nothing then.
  if (type === undefined) return fromAlarms({ alarms: [] });
  const named: Alarm = { member: toUnsignedBigInt(memberID), type };
  return fromAlarms(
    await (action === 1 ? maintenance.raiseAlarm(named, options) : maintenance.clearAlarm(named, options)),
  );
}

/** Without a header, as from etcd. */
function fromAlarms({ alarms }: AlarmsResponse): WireMessage {
  return {
    alarms: alarms.map(({ member, type }) => ({ memberID: wireId(member), alarm: alarmTypes.indexOf(type) + 1 })),
  };
}

async function snapshot(member: Member, call: StreamCall): Promise<void> {
  const state = await member.maintenance.backup(call.options);
  try {
    const { bytes, parts } = await snapshotFile(state, member, call.options.signal);
    let remaining = bytes;
    for await (const blob of parts) {
      call.options.signal?.throwIfAborted();
      remaining -= blob.length;
      await call.send({ remaining_bytes: remaining === 0 ? undefined : fromBigInt(BigInt(remaining)), blob });
    }
  } finally {
    state.release();
  }
}

function outOfRange(field: string, value: number): RequestError {
  return new RequestError(grpcCode.INVALID_ARGUMENT, `holdfast: alarm has an unknown ${field} (got ${value})`);
}
