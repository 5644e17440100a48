import { describe, expect, it } from "vitest";
import { createTelemetry, type TelemetryEvent } from "../../telemetry/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import type { FaultJournal, JournalEntry } from "./fault-journal.ts";
import { faultRegistry, type FaultRegistry } from "./fault-registry.ts";
import type { FaultOrder, LiveTarget } from "./live-fault.ts";

/** A switchboard: what strikes it is written down. */
class Board implements LiveTarget {
  readonly name: string;
  readonly kinds: readonly string[] = ["dark", "dim"];
  readonly log: string[] = [];
  agrees: boolean = true;
  /** How many of the next removals fail. */
  resists = 0;
  breaks = false;
  /** What an injection waits for. */
  gate: Promise<void> = Promise.resolve();

  constructor(name: string = "board") {
    this.name = name;
  }

  optedIn(): boolean {
    return this.agrees;
  }

  check(kind: string, parameters: FaultOrder["parameters"]): FaultOrder["parameters"] {
    return kind === "dim" ? { share: 0.5, ...parameters } : parameters;
  }

  /** All that is dark is dark together. */
  holdKey(kind: string): string | undefined {
    return kind === "dark" ? "dark" : undefined;
  }

  prepare({ id }: FaultOrder): unknown {
    return { before: id };
  }

  async inject({ id }: FaultOrder): Promise<void> {
    await this.gate;
    this.log.push(`+${id}`);
    if (this.breaks) throw new Error("fuse blown");
  }

  remove({ id }: FaultOrder, undo: unknown): void {
    if (this.resists-- > 0) throw new Error("switch jammed");
    this.log.push(`-${id} ${(undo as { before: string }).before}`);
  }

  struck(): number {
    return this.log.length;
  }
}

/** A journal in memory that outlives registries. */
class Notes implements FaultJournal {
  readonly entries = new Map<string, JournalEntry>();
  readonly log: string[] = [];

  begin(entry: JournalEntry): Promise<void> {
    this.log.push(`begin ${entry.id}`);
    this.entries.set(entry.id, entry);
    return Promise.resolve();
  }

  end(id: string): Promise<void> {
    this.log.push(`end ${id}`);
    this.entries.delete(id);
    return Promise.resolve();
  }

  open(): Promise<readonly JournalEntry[]> {
    return Promise.resolve([...this.entries.values()]);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function setUp(options: { readonly journal?: FaultJournal; readonly maxFaults?: number } = {}): {
  clock: VirtualClock;
  board: Board;
  faults: FaultRegistry;
  events: TelemetryEvent[];
} {
  const clock = new VirtualClock();
  const board = new Board();
  const events: TelemetryEvent[] = [];
  const telemetry = createTelemetry({ clock, nodeId: "n1" });
  telemetry.subscribe((event) => events.push(event));
  return { clock, board, events, faults: faultRegistry({ clock, targets: [board], telemetry, ...options }) };
}

const dim = { target: "board", kind: "dim", parameters: { share: 0.5 }, durationMs: 1_000 } as const;
const dark = { target: "board", kind: "dark", durationMs: 1_000 } as const;

describe("a live fault", () => {
  it("ends by itself after its time, and both are told", async () => {
    const { clock, board, faults, events } = setUp();
    const fault = await faults.inject(dim);
    expect(fault).toMatchObject({ id: "dim-1", state: "active", parameters: { share: 0.5 }, startedAt: 1767225600000 });
    await clock.advance(999);
    expect(board.log).toEqual(["+dim-1"]);
    expect(faults.faults).toHaveLength(1);
    const gone = faults.whenRemoved("dim-1");
    await clock.advance(1);
    expect(await gone).toMatchObject({ state: "removed", reason: "expired", struck: 2 });
    expect(board.log).toEqual(["+dim-1", "-dim-1 dim-1"]);
    expect([faults.faults, clock.pending]).toEqual([[], 0]);
    expect(faults.counts).toEqual({ injected: { dim: 1 }, removed: { expired: 1 }, refused: 0, stuck: 0 });
    expect(events).toMatchObject([
      { type: "faultInjected", fault: "dim-1", target: "board", kind: "dim", durationMs: 1_000 },
      { type: "faultRemoved", fault: "dim-1", reason: "expired", lastedMs: 1_000, struck: 2 },
    ]);
  });

  it("is taken back by id, once", async () => {
    const { clock, board, faults } = setUp();
    await faults.inject({ ...dim, id: "mine" });
    expect(await faults.remove("mine")).toMatchObject({ state: "removed", reason: "removed" });
    await expect(faults.remove("mine")).rejects.toMatchObject({ code: "UNKNOWN_FAULT" });
    await clock.advance(2_000);
    expect(board.log).toEqual(["+mine", "-mine mine"]);
  });

  it("shares its effect with others of its key, which ends with the last", async () => {
    const { board, faults } = setUp();
    await faults.inject({ ...dark, id: "a" });
    await Promise.all(["b", "c"].map((id) => faults.inject({ ...dark, id })));
    await faults.remove("a");
    await faults.remove("c");
    expect(board.log).toEqual(["+a"]);
    await faults.remove("b");
    expect(board.log).toEqual(["+a", "-b a"]);
    await faults.inject({ ...dark, id: "d" });
    expect(board.log.at(-1)).toBe("+d");
  });

  it("that cannot begin is taken back and refused", async () => {
    const { board, faults, events } = setUp();
    board.breaks = true;
    await expect(faults.inject(dim)).rejects.toMatchObject({
      code: "FAULT_FAILED",
      message: "dim-1: dim could not begin: fuse blown",
    });
    expect(board.log).toEqual(["+dim-1", "-dim-1 dim-1"]);
    expect([faults.faults, events, faults.counts.refused]).toEqual([[], [], 1]);
  });

  it("that cannot be taken back says so, and is tried until it is gone", async () => {
    const { clock, board, faults } = setUp();
    await faults.inject(dim);
    board.resists = 3;
    await expect(faults.remove("dim-1")).rejects.toMatchObject({ code: "FAULT_STUCK", message: /switch jammed/ });
    expect((await faults.healAll()).stuck).toMatchObject([{ id: "dim-1", state: "stuck", error: "switch jammed" }]);
    expect(faults.counts.stuck).toBe(1);
    await clock.advance(60_000);
    expect(board.log).toEqual(["+dim-1", "-dim-1 dim-1"]);
    expect([faults.faults, clock.pending]).toEqual([[], 0]);
  });
});

describe("healing", () => {
  it("takes back everything, also what is just beginning", async () => {
    const { clock, board, faults, events } = setUp();
    await faults.inject({ ...dim, id: "old" });
    let open = (): void => undefined;
    board.gate = new Promise((resolve) => (open = resolve));
    const slow = faults.inject({ ...dim, id: "slow" });
    const late = faults.inject({ ...dim, id: "late" });
    await clock.advance(0);
    const healing = faults.healAll();
    open();
    expect((await healing).removed.map(({ id, reason }) => [id, reason])).toEqual([
      ["old", "healed"],
      ["slow", "healed"],
      ["late", "healed"],
    ]);
    expect((await slow).reason).toBe("healed");
    expect((await late).reason).toBe("healed");
    // The one whose turn had not come never began.
    expect(board.log).toEqual(["+old", "+slow", "-old old", "-slow slow"]);
    expect(events.map(({ type }) => type)).toEqual(["faultInjected", "faultInjected", "faultRemoved", "faultRemoved"]);
    expect(clock.pending).toBe(0);
  });

  it("comes with the end of the target, and of the registry", async () => {
    const { clock, board, faults } = setUp();
    const other = new Board("other");
    const leave = faults.addTarget(other);
    await faults.inject(dim);
    await faults.inject({ ...dim, target: "other" });
    await leave();
    expect(other.log).toEqual(["+dim-2", "-dim-2 dim-2"]);
    await expect(faults.inject({ ...dim, target: "other" })).rejects.toMatchObject({ code: "UNKNOWN_TARGET" });
    expect(board.log).toEqual(["+dim-1"]);
    await faults.close();
    expect(board.log).toEqual(["+dim-1", "-dim-1 dim-1"]);
    await expect(faults.inject(dim)).rejects.toMatchObject({ code: "REGISTRY_CLOSED" });
    expect([faults.counts.removed, clock.pending]).toEqual([{ closed: 2 }, 0]);
  });
});

describe("nothing is injected", () => {
  it("where nobody agreed", async () => {
    const { board, faults } = setUp();
    board.agrees = false;
    await expect(faults.inject(dim)).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    await expect(faults.inject({ ...dim, target: "stranger" })).rejects.toMatchObject({ code: "UNKNOWN_TARGET" });
    await expect(faults.inject({ ...dim, kind: "flood" })).rejects.toMatchObject({ code: "NOT_OPTED_IN" });
    expect([board.log, faults.counts.refused]).toEqual([[], 3]);
  });

  it.each<[string, object, string]>([
    [
      "without a length",
      { durationMs: undefined },
      "fault.durationMs must be a number >= 1 and <= 600000 (got undefined)",
    ],
    ["for too long", { durationMs: 6e9 }, "fault.durationMs must be a number >= 1 and <= 600000 (got 6000000000)"],
    ["with a bad id", { id: "a b" }, 'fault.id must be 1 to 64 letters, digits, _, . and - (got "a b")'],
    [
      "with a parameter that is none",
      { parameters: { x: null } },
      "parameters.x must be a number, a text, true or false (got null)",
    ],
    [
      "with more than it knows",
      { force: true },
      "fault.force is no option; there are id, target, kind, parameters, durationMs (got true)",
    ],
  ])("%s", async (_, change, message) => {
    const { board, faults } = setUp();
    await expect(faults.inject({ ...dim, ...change })).rejects.toThrow(message);
    expect(board.log).toEqual([]);
  });

  it("beyond the bound, or twice under one id", async () => {
    const { faults } = setUp({ maxFaults: 2 });
    await faults.inject({ ...dim, id: "a" });
    await expect(faults.inject({ ...dim, id: "a" })).rejects.toMatchObject({ code: "FAULT_EXISTS" });
    await faults.inject({ ...dim, id: "b" });
    await expect(faults.inject(dim)).rejects.toMatchObject({ code: "TOO_MANY_FAULTS" });
  });

  it("when the journal cannot be read or written", async () => {
    const journal = new Notes();
    journal.begin = () => Promise.reject(new Error("disk full"));
    const { board, faults } = setUp({ journal });
    await expect(faults.inject(dim)).rejects.toThrow("dim-1: dim could not begin: disk full");
    const unreadable = new Notes();
    unreadable.open = () => Promise.reject(new Error("cannot read"));
    const second = setUp({ journal: unreadable });
    await expect(second.faults.inject(dim)).rejects.toThrow("cannot read");
    expect([board.log, second.board.log]).toEqual([[], []]);
  });
});

describe("with a journal", () => {
  it("a fault is written down before it begins, and its end after it is gone", async () => {
    const journal = new Notes();
    const { board, faults } = setUp({ journal });
    board.inject = () => {
      journal.log.push("began");
      return Promise.resolve();
    };
    await faults.inject(dim);
    board.remove = () => void journal.log.push("gone");
    await faults.remove("dim-1");
    expect(journal.log).toEqual(["begin dim-1", "began", "gone", "end dim-1"]);
  });

  it("the next start takes back what a crash has left, before anything else", async () => {
    const journal = new Notes();
    const first = setUp({ journal });
    await first.faults.inject(dim);
    await first.faults.inject({ ...dark, id: "a" });
    await first.faults.inject({ ...dark, id: "b" });
    // No end: the process is gone.
    const second = setUp({ journal });
    await second.faults.inject(dim);
    expect((await second.faults.recovered).removed.map(({ id, reason }) => `${id} ${reason}`)).toEqual([
      "dim-1 recovered",
      "a recovered",
      "b recovered",
    ]);
    expect(second.board.log.slice(0, 3)).toEqual(["-dim-1 dim-1", "-a a", "-b a"]);
    expect([...journal.entries.keys()]).toEqual(["dim-1"]);
    expect(second.events.map(({ type }) => type)).toEqual([
      "faultRemoved",
      "faultRemoved",
      "faultRemoved",
      "faultInjected",
    ]);
  });

  it("what strikes a target that is not there yet waits for it", async () => {
    const journal = new Notes();
    const first = setUp({ journal });
    const other = new Board("other");
    first.faults.addTarget(other);
    await first.faults.inject({ ...dim, target: "other" });
    const second = setUp({ journal });
    expect((await second.faults.recovered).removed).toEqual([]);
    expect([...journal.entries.keys()]).toEqual(["dim-1"]);
    const back = new Board("other");
    second.faults.addTarget(back);
    await second.clock.advance(0);
    expect(back.log).toEqual(["-dim-1 dim-1"]);
    expect(journal.entries.size).toBe(0);
  });
});
