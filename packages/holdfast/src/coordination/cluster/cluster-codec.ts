import { MalformedError, type ByteReader, type ByteWriter } from "../../wire/index.ts";
import type { Alarm, AlarmType, MembersSeen } from "./cluster.ts";
import type { ClusterChange, ClusterRequest } from "./cluster-change.ts";
import type { CapturedCluster, ToldMember } from "./cluster-state.ts";
import { coordinationErrors, type CoordinationErrorCode } from "../coordination-error.ts";
import { choose } from "../request-codec.ts";

const changes = [
  "ask",
  "answer",
  "removed",
  "raiseAlarm",
  "clearAlarm",
] as const satisfies readonly ClusterChange["type"][];
const requests = [
  "memberAdd",
  "memberUpdate",
  "memberRemove",
  "memberPromote",
  "moveLeader",
] as const satisfies readonly ClusterRequest["type"][];
/** The same as meant for certain members alone: a code of its own, so that what is in a log keeps its meaning. */
const forMembers = ["memberAdd", "memberRemove", "memberPromote"] as const satisfies readonly ClusterRequest["type"][];
const addedKinds = ["voter", "learner", "witness"] as const;
const alarmTypes: readonly AlarmType[] = ["NOSPACE", "CORRUPT"];

export function writeClusterChange(writer: ByteWriter, change: ClusterChange): void {
  writer.u8(changes.indexOf(change.type));
  if (change.type === "ask") writeAsk(writer, change);
  else if (change.type === "removed") writeIds(writer, change.ids);
  else if (change.type === "answer") {
    writer.varint(change.number);
    writer.utf8(change.refused ?? "");
  } else writeAlarm(writer, change.alarm);
}

/** @throws MalformedError */
export function readClusterChange(reader: ByteReader): ClusterChange {
  const type = choose(reader, "cluster.type", changes);
  if (type === "ask") return { type, ...readAsk(reader) };
  if (type === "removed") return { type, ids: readIds(reader) };
  if (type !== "answer") return { type, alarm: readAlarm(reader) };
  const number = reader.varint("cluster.number");
  const start = reader.offset;
  const refused = reader.utf8("cluster.refused");
  if (refused === "") return { type, number };
  if (!Object.hasOwn(coordinationErrors, refused)) {
    throw new MalformedError("cluster.refused", start, "must be a known code");
  }
  return { type, number, refused: refused as CoordinationErrorCode };
}

interface Ask {
  readonly number: number;
  readonly request: ClusterRequest;
}

function writeAsk(writer: ByteWriter, { number, request }: Ask): void {
  writer.varint(number);
  const ifMembers = "ifMembers" in request ? request.ifMembers : undefined;
  const code = requests.indexOf(request.type);
  writer.u8(ifMembers === undefined ? code : requests.length + (forMembers as readonly string[]).indexOf(request.type));
  writer.bigU64(request.id);
  if (ifMembers !== undefined) {
    writeIds(writer, ifMembers.voters);
    writeIds(writer, ifMembers.learners);
  }
  if (request.type === "memberAdd" || request.type === "memberUpdate") writeUrls(writer, request.peerUrls);
  if (request.type !== "memberAdd") return;
  writer.utf8(request.name);
  writer.u8(addedKinds.indexOf(request.isWitness === true ? "witness" : request.isLearner ? "learner" : "voter"));
}

function readAsk(reader: ByteReader): Ask {
  const number = reader.varint("cluster.number");
  const start = reader.offset;
  const code = reader.u8("cluster.request");
  const type = [...requests, ...forMembers][code];
  if (type === undefined) throw new MalformedError("cluster.request", start, "must be a known request");
  const id = reader.bigU64("cluster.member");
  const meant = code < requests.length ? {} : { ifMembers: readMembersSeen(reader) };
  if (type === "memberUpdate") return { number, request: { type, id, peerUrls: readUrls(reader) } };
  if (type === "moveLeader") return { number, request: { type, id } };
  if (type !== "memberAdd") return { number, request: { type, id, ...meant } };
  const peerUrls = readUrls(reader);
  const name = reader.utf8("cluster.name");
  const kind = choose(reader, "cluster.kind", addedKinds);
  const isWitness = kind === "witness" ? { isWitness: true } : {};
  return { number, request: { type, id, name, peerUrls, isLearner: kind === "learner", ...isWitness, ...meant } };
}

function readMembersSeen(reader: ByteReader): MembersSeen {
  return { voters: readIds(reader), learners: readIds(reader) };
}

/** One thing that a snapshot holds of the cluster. */
export type ClusterItem =
  | { readonly kind: "ask"; readonly item: Ask }
  | { readonly kind: "told"; readonly item: ToldMember }
  | { readonly kind: "removed"; readonly item: bigint }
  | { readonly kind: "alarm"; readonly item: Alarm };

const kinds = ["ask", "told", "removed", "alarm"] as const satisfies readonly ClusterItem["kind"][];

export function clusterItems({ asks, told, removed, alarms }: CapturedCluster): ClusterItem[] {
  return [
    ...asks.map(([number, request]) => ({ kind: "ask", item: { number, request } }) as const),
    ...told.map((item) => ({ kind: "told", item }) as const),
    ...removed.map((item) => ({ kind: "removed", item }) as const),
    ...alarms.map((item) => ({ kind: "alarm", item }) as const),
  ];
}

export function clusterOf(items: readonly ClusterItem[]): CapturedCluster {
  return {
    asks: items.flatMap(({ kind, item }) => (kind === "ask" ? [[item.number, item.request] as const] : [])),
    told: items.flatMap(({ kind, item }) => (kind === "told" ? [item] : [])),
    removed: items.flatMap(({ kind, item }) => (kind === "removed" ? [item] : [])),
    alarms: items.flatMap(({ kind, item }) => (kind === "alarm" ? [item] : [])),
  };
}

export function writeClusterItem(writer: ByteWriter, { kind, item }: ClusterItem): void {
  writer.u8(kinds.indexOf(kind));
  if (kind === "ask") writeAsk(writer, item);
  else if (kind === "removed") writer.bigU64(item);
  else if (kind === "alarm") writeAlarm(writer, item);
  else {
    writer.bigU64(item.id);
    writer.utf8(item.name);
    writeUrls(writer, item.peerUrls);
  }
}

/** @throws MalformedError */
export function readClusterItem(reader: ByteReader): ClusterItem {
  const kind = choose(reader, "cluster.item", kinds);
  if (kind === "ask") return { kind, item: readAsk(reader) };
  if (kind === "removed") return { kind, item: reader.bigU64("cluster.removed") };
  if (kind === "alarm") return { kind, item: readAlarm(reader) };
  const id = reader.bigU64("cluster.member");
  const name = reader.utf8("cluster.name");
  return { kind, item: { id, name, peerUrls: readUrls(reader) } };
}

function writeAlarm(writer: ByteWriter, { member, type }: Alarm): void {
  writer.bigU64(member);
  writer.u8(alarmTypes.indexOf(type));
}

function readAlarm(reader: ByteReader): Alarm {
  const member = reader.bigU64("alarm.member");
  return { member, type: choose(reader, "alarm.type", alarmTypes) };
}

function writeIds(writer: ByteWriter, ids: readonly bigint[]): void {
  writer.varint(ids.length);
  for (const id of ids) writer.bigU64(id);
}

function readIds(reader: ByteReader): bigint[] {
  const ids: bigint[] = [];
  for (let left = reader.count("cluster.ids", 8); left > 0; left--) ids.push(reader.bigU64("cluster.ids"));
  return ids;
}

function writeUrls(writer: ByteWriter, urls: readonly string[]): void {
  writer.varint(urls.length);
  for (const url of urls) writer.utf8(url);
}

function readUrls(reader: ByteReader): string[] {
  const urls: string[] = [];
  for (let left = reader.count("cluster.peerUrls", 1); left > 0; left--) urls.push(reader.utf8("cluster.peerUrls"));
  return urls;
}
