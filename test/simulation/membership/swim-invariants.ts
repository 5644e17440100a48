import type { Member, MemberState } from "../../../packages/holdfast/src/membership/member.ts";
import type { Effects } from "../../../packages/holdfast/src/membership/swim-effects.ts";
import type { Swim } from "../../../packages/holdfast/src/membership/swim.ts";

interface Observer {
  readonly name: string;
  readonly swim: Swim;
}

/** A rule of the protocol was broken. */
class SwimViolation extends Error {
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = "SwimViolation";
  }
}

/** Bytes of messages a packet of the default size may have. */
const maxPacketBytes = 1_400;

const order: readonly MemberState[] = ["alive", "suspect", "dead", "left"];

/** What must be true after every step of every member, whatever fails. */
export class SwimInvariants {
  /** By member: the highest incarnation it ever gave itself, over all its lives. */
  readonly #raised = new Map<string, number>();
  /** By observer and subject: the last belief. */
  readonly #beliefs = new Map<string, Map<string, Member>>();
  checks = 0;

  /** A member that starts anew knows nothing. */
  forgetObserver(name: string): void {
    this.#beliefs.delete(name);
  }

  /** Looks at what a step has changed. @throws SwimViolation */
  check(now: number, observer: Observer, all: readonly Observer[], effects: Effects): void {
    this.checks++;
    const { swim, name } = observer;
    this.#raised.set(name, Math.max(this.#raised.get(name) ?? 0, swim.self.member.incarnation));
    const beliefs = this.#beliefs.get(name) ?? new Map<string, Member>();
    this.#beliefs.set(name, beliefs);
    // Who was forgotten may be met anew, as anything.
    for (const event of effects.events) if (event.type === "forgotten") beliefs.delete(event.member.name);
    for (const { member } of swim.records.values()) {
      const before = beliefs.get(member.name);
      if (before === member) continue;
      beliefs.set(member.name, member);
      this.#checkRaised(now, name, member, all);
      if (before !== undefined) this.#checkChange(now, name, before, member);
    }
    let live = 0;
    for (const { member } of swim.records.values()) if (member.state === "alive" || member.state === "suspect") live++;
    if (live !== swim.live)
      throw new SwimViolation("the count of live members", `${name} counts ${swim.live}, has ${live}`);
    for (const { messages } of effects.packets) {
      const bytes = messages.reduce((sum, message) => sum + swim.settings.sizeOf(message), 0);
      if (bytes > maxPacketBytes) throw new SwimViolation("packet size", `${name} sends ${bytes} bytes`);
    }
    if (!(swim.wakeAt >= now))
      throw new SwimViolation("wake-ups", `${name} wants to wake at ${swim.wakeAt}, it is ${now}`);
  }

  /** Nobody but the member raises its incarnation. */
  #checkRaised(now: number, name: string, member: Member, all: readonly Observer[]): void {
    const raised =
      this.#raised.get(member.name) ?? all.find((other) => other.name === member.name)?.swim.self.member.incarnation;
    if (raised === undefined || member.incarnation <= raised) return;
    throw new SwimViolation(
      "incarnations",
      `${name} at ${now} has ${member.name} at ${member.incarnation}, which is at ${raised}`,
    );
  }

  /** Beliefs only move up: nobody comes back from the dead, or from suspicion, without a higher incarnation. */
  #checkChange(now: number, name: string, before: Member, after: Member): void {
    if (after.incarnation > before.incarnation) return;
    if (after.incarnation === before.incarnation && order.indexOf(after.state) >= order.indexOf(before.state)) return;
    const detail = `${before.state}(${before.incarnation}) became ${after.state}(${after.incarnation})`;
    throw new SwimViolation("precedence", `${name} at ${now}: ${after.name} ${detail}`);
  }
}
