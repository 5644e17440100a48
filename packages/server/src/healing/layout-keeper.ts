import { nextMember, type ClusterLayout, type PlacedMember } from "../supervisor/cluster-layout.ts";
import { isEmptyDirectory, keepLayout } from "../supervisor/data-directory.ts";
import type { MemberPlan } from "../supervisor/cluster-plan.ts";

/** Who a cluster's members on this machine are, written down whenever that changes. */
export class LayoutKeeper {
  readonly #directory: string;
  #layout: ClusterLayout;

  constructor(directory: string, layout: ClusterLayout) {
    this.#directory = directory;
    this.#layout = layout;
  }

  get layout(): ClusterLayout {
    return this.#layout;
  }

  /** Keeps a name and a place that no other will have; the member is none until `add`. */
  reserve(clientSlot?: number): PlacedMember {
    const member = nextMember(this.#layout, clientSlot);
    this.#keep({ ...this.#layout, next: this.#layout.next + 1 });
    return member;
  }

  add(member: PlacedMember): void {
    this.#keep({ ...this.#layout, members: [...this.#layout.members, member] });
  }

  remove(name: string): void {
    this.#keep({ ...this.#layout, members: this.#layout.members.filter((member) => member.name !== name) });
  }

  placeOf(name: string): PlacedMember | undefined {
    return this.#layout.members.find((member) => member.name === name);
  }

  /** It has been ready: from now on it needs its data. */
  noteRun(name: string): void {
    if (this.placeOf(name)?.hasRun !== false) return;
    const members = this.#layout.members.map((member) => (member.name === name ? { ...member, hasRun: true } : member));
    this.#keep({ ...this.#layout, members });
  }

  /** Whether a name is one of those that are given here, to members of now or of before. */
  isOurs(name: string): boolean {
    const [, number] = /^n([1-9]\d*)$/.exec(name) ?? [];
    return number !== undefined && Number(number) < this.#layout.next;
  }

  /** Why a member must not run under its name: it would have forgotten what it has promised. */
  lossOf({ name, directory }: Pick<MemberPlan, "name" | "directory">): string | undefined {
    const hasRun = this.placeOf(name)?.hasRun === true;
    return hasRun && isEmptyDirectory(directory) ? `its data is not in ${directory} any more` : undefined;
  }

  #keep(layout: ClusterLayout): void {
    keepLayout(this.#directory, layout);
    this.#layout = layout;
  }
}
