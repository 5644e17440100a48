import { afterEach, describe, expect, it } from "vitest";
import { startMember, stopAll, untilAllSee, type MemberProcess } from "./membership-fleet.ts";
import { makeNamespaces, type Namespaces } from "./membership-namespaces.ts";

const members: MemberProcess[] = [];
let namespaces: Namespaces | undefined;

afterEach(async () => {
  await stopAll(members.splice(0));
  namespaces?.remove();
  namespaces = undefined;
});

const pushPullIntervalMs = 3000;
const timing = { pushPullIntervalMs, reconnectIntervalMs: pushPullIntervalMs, gossipToTheDeadMs: 1000 };
const names = ["n1", "n2", "n3", "n4", "n5"];

const states = (state: (name: string) => string): string[] => names.map((name) => `${name} ${state(name)}`);

function whyRefused(): string | undefined {
  try {
    makeNamespaces().remove();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("a cut cable between three members and two", () => {
  const refusal = whyRefused();
  if (refusal !== undefined) {
    it(`needs network namespaces, which this machine refuses (${refusal})`, () => {
      expect(refusal).toMatch(/not permitted|denied|not supported|ENOENT/i);
    });
    return;
  }

  it("splits the cluster in two, which agree again within two push/pull periods after it is mended", async () => {
    namespaces = makeNamespaces();
    const network = namespaces;
    const { a, b } = network;
    const plans = names.map((name, at) => ({ name, side: at < 3 ? a : b }));
    for (const { name, side } of plans) {
      const seeds = members[0] === undefined ? [] : [members[0].address];
      members.push(await startMember({ name, host: side.host, seeds, profile: "local", timing }, side.name));
    }
    await untilAllSee(
      members,
      states(() => "alive"),
      20_000,
    );

    network.cut();
    const [left, right] = [members.slice(0, 3), members.slice(3)];
    const isLeft = (name: string): boolean => names.indexOf(name) < 3;
    await untilAllSee(
      left,
      states((name) => (isLeft(name) ? "alive" : "dead")),
      40_000,
    );
    await untilAllSee(
      right,
      states((name) => (isLeft(name) ? "dead" : "alive")),
      40_000,
    );
    // Past the time in which the dead are told of their death, which would join the two by itself.
    await new Promise((resolve) => setTimeout(resolve, 1500));

    network.mend();
    const took = await untilAllSee(
      members,
      states(() => "alive"),
      4 * pushPullIntervalMs,
    );
    expect(took).toBeLessThan(2 * pushPullIntervalMs);
    for (const { reports } of members)
      expect(reports.filter(({ event }) => event === "return").length).toBeGreaterThan(0);
  });
});
