import type { Scene } from "./healing-health.ts";
import { seconds } from "./healing-health.ts";
import type { Wish } from "./healing-wishes.ts";
import { doesAnswer, type ObservedMember } from "./observed-cluster.ts";

/** Above this share of the mean, load is moved away. */
const overloadRatio = 1.2;
/** Below this share of the mean, it is moved there. */
const underloadRatio = 0.8;

/** Load moves from the one that bears most to the one that bears least, when both have been so for a while. */
export function* uneven(scene: Scene): Generator<Wish> {
  const { observation, memory, settings, nowMs } = scene;
  const bearing = observation.members.filter((member) => member.load !== null && doesAnswer(member));
  const mean = bearing.reduce((sum, { load }) => sum + load!, 0) / Math.max(1, bearing.length);
  const lasting = (kind: string, { id }: ObservedMember, isSo: boolean): boolean =>
    memory.lasting(`${kind} ${id}`, isSo, nowMs) >= settings.unevenForMs && isSo;
  const over = bearing.filter((member) => lasting("over", member, member.load! > overloadRatio * mean));
  const under = bearing.filter((member) => lasting("under", member, member.load! < underloadRatio * mean));
  const from = over.toSorted((a, b) => b.load! - a.load!)[0];
  const to = under.toSorted((a, b) => a.load! - b.load!)[0];
  if (from !== undefined && to !== undefined) {
    const share = ({ load }: ObservedMember): string => (load! / mean).toFixed(2);
    const because = `${from.name} bears ${share(from)} of the mean for ${seconds(settings.unevenForMs)}, ${to.name} ${share(to)}`;
    yield { action: { type: "moveLoad", from: from.id, to: to.id }, because };
  }
  const { scale } = settings.desired;
  if (scale === undefined || bearing.length === 0) return;
  const present = bearing.length;
  const isHigh = memory.lasting("high", mean > scale.highLoad, nowMs) >= settings.unevenForMs && mean > scale.highLoad;
  const isLow = memory.lasting("low", mean < scale.lowLoad, nowMs) >= settings.unevenForMs && mean < scale.lowLoad;
  const wanted = isHigh ? Math.min(scale.max, present + 1) : isLow ? Math.max(scale.min, present - 1) : present;
  if (wanted === present) return;
  const because = `the mean load has been ${mean.toPrecision(3)} for ${seconds(settings.unevenForMs)}`;
  yield { action: { type: "scale", from: present, to: wanted }, because };
}
