import { createMemoryMember, type Member } from "holdfast/coordination";
import { afterAll, expect, it } from "vitest";
import { checkLearner } from "./learner-methods.ts";

const voter = createMemoryMember();
const learner: Member = { ...voter, status: () => ({ ...voter.status(), isLearner: true }) };

afterAll(() => voter.close());

it.each([
  [true, "/etcdserverpb.Maintenance/Status", {}],
  [true, "/grpc.health.v1.Health/Check", {}],
  [true, "/grpc.health.v1.Health/List", {}],
  [true, "/etcdserverpb.KV/Range", { serializable: true }],
  [false, "/etcdserverpb.KV/Range", { serializable: false }],
  [false, "/etcdserverpb.KV/Range", {}],
  [false, "/etcdserverpb.KV/Txn", { serializable: true }],
  [false, "/etcdserverpb.Cluster/MemberList", {}],
  [false, "/etcdserverpb.Maintenance/Snapshot", undefined],
  [false, "/etcdserverpb.Watch/Watch", undefined],
])("a learner answers: %s, %s %o; a voter all", (answered, path, message) => {
  expect(() => checkLearner(voter, path, message)).not.toThrow();
  const check = (): void => checkLearner(learner, path, message);
  if (answered) expect(check).not.toThrow();
  else expect(check).toThrow(expect.objectContaining({ code: "NOT_AT_LEARNER" }));
});
