import type { DetectorChange, DetectorState, FailureDetector } from "./failure-detector.ts";
import type { MemberState } from "./member.ts";
import type { Swim } from "./swim.ts";

const stateOf: Readonly<Record<MemberState, DetectorState>> = {
  alive: "healthy",
  suspect: "suspect",
  dead: "failed",
  left: "failed",
};

/** What a SWIM member knows, behind the same interface as the other detectors; `now` makes no difference to it. */
export function swimDetector(swim: Swim): FailureDetector {
  const checked = new Map<string, DetectorState>();
  return {
    state(name) {
      const record = swim.records.get(name);
      return record && stateOf[record.member.state];
    },
    inState(state) {
      return [...swim.records.values()]
        .map(({ member }) => member)
        .filter((member) => stateOf[member.state] === state)
        .map(({ name }) => name);
    },
    check() {
      const changes: DetectorChange[] = [];
      for (const name of checked.keys()) if (!swim.records.has(name)) checked.delete(name);
      for (const [name, { member, heardAt }] of swim.records) {
        const from = checked.get(name) ?? "healthy";
        const to = stateOf[member.state];
        checked.set(name, to);
        if (from !== to) changes.push({ name, from, to, heardAt });
      }
      return changes;
    },
  };
}
