import { checkOneOf, checkOptionNames, InvalidArgumentError } from "holdfast/errors/base";
import type { LiveFault, NetworkFaultKind } from "holdfast/proof";
import { nameOf, type PeerLink } from "../peer-links.ts";
import { checkLinkFault } from "./check-link-fault.ts";
import {
  describeTargets,
  isMajority,
  memberNames,
  type Strike,
  type StrikeKind,
  type StrikeOrder,
  type StrikeSite,
} from "./strike.ts";

/**
 * `isolate`: the targets and the rest hear nothing of each other. `outbound`: nothing of what the targets say arrives.
 * `inbound`: they hear nothing. `bridge`: two halves that only one member between them hears and reaches.
 */
const shapes = ["isolate", "outbound", "inbound", "bridge"] as const;
type Shape = (typeof shapes)[number];

/** Members are cut off from members; clients reach all of them. */
export const partition: StrikeKind = {
  needs: "links",
  check(parameters, path) {
    checkOptionNames(path, parameters, ["shape", "lost"]);
    checkOneOf(`${path}.shape`, parameters["shape"] ?? "isolate", shapes);
    const { lost = false } = parameters;
    if (typeof lost !== "boolean") throw new InvalidArgumentError(`${path}.lost`, "must be true or false", lost);
  },
  async begin(site, order) {
    const shape = (order.plan.parameters["shape"] ?? "isolate") as Shape;
    const cut = shape === "bridge" ? bridge(site, order) : isolation(site, order, shape);
    // Held back until it is over, as TCP does for a while; or lost with the connections, as when it has given up.
    const kind = order.plan.parameters["lost"] === true ? "blackHole" : "partition";
    const ended = await strike(site, cut.links, kind, {});
    return {
      what: cut.what,
      mustElect: cut.mustElect,
      canServe: cut.canServe,
      heal: () => ended.heal(),
      records: () => ended.recordsOf(order),
    };
  },
};

interface Cut extends Pick<Strike, "what" | "mustElect" | "canServe"> {
  readonly links: readonly PeerLink[];
}

function isolation(site: StrikeSite, order: StrikeOrder, shape: Exclude<Shape, "bridge">): Cut {
  const names = memberNames(site);
  const { targets, leader } = order;
  const rest = names.filter((name) => !targets.includes(name));
  const out = targets.flatMap((from) => rest.map((to) => ({ from, to })));
  const back = out.map(({ from, to }) => ({ from: to, to: from }));
  const links = [...(shape === "inbound" ? [] : out), ...(shape === "outbound" ? [] : back)];
  const restDecides = isMajority(rest.length, names.length);
  const how = { isolate: "isolated", outbound: "silenced", inbound: "deafened" }[shape];
  return {
    links,
    what: `${how} ${describeTargets(order, names.length)}`,
    mustElect: restDecides && targets.includes(leader.name),
    canServe: restDecides || isMajority(targets.length, names.length),
  };
}

/** The leader stands in one half, and a follower between them. */
function bridge(site: StrikeSite, { leader }: StrikeOrder): Cut {
  const names = memberNames(site);
  const [between = "", ...others] = names.filter((name) => name !== leader.name);
  const half = Math.floor(others.length / 2);
  const left = [leader.name, ...others.slice(0, half)];
  const right = others.slice(half);
  const out = left.flatMap((from) => right.map((to) => ({ from, to })));
  return {
    links: [...out, ...out.map(({ from, to }) => ({ from: to, to: from }))],
    what: `only ${between} stands between ${left.join(", ")} and ${right.join(", ")}`,
    mustElect: false,
    canServe: true,
  };
}

/** What a proxy can do to all that the targets say to the others, and hear of them. */
export function linkStrike(kind: NetworkFaultKind): StrikeKind {
  return {
    needs: "links",
    check: (parameters, path) => checkLinkFault(kind, parameters, path),
    async begin(site, order) {
      const names = memberNames(site);
      const links = names
        .flatMap((from) => names.filter((to) => to !== from).map((to) => ({ from, to })))
        .filter(({ from, to }) => order.targets.includes(from) || order.targets.includes(to));
      const ended = await strike(site, links, kind, order.plan.parameters);
      return {
        what: `${kind} between ${describeTargets(order, names.length)} and the others`,
        mustElect: false,
        canServe: true,
        heal: () => ended.heal(),
        records: () => ended.recordsOf(order),
      };
    },
  };
}

async function strike(
  site: StrikeSite,
  links: readonly PeerLink[],
  kind: string,
  parameters: StrikeOrder["plan"]["parameters"],
): Promise<{ heal(): Promise<void>; recordsOf(order: StrikeOrder): ReturnType<Strike["records"]> }> {
  const struckLinks = await site.links.strike(links, kind, parameters);
  let ended: readonly LiveFault[] = [];
  let gossipStruck = 0;
  return {
    async heal() {
      ({ faults: ended, gossipStruck } = await struckLinks.end());
    },
    recordsOf: ({ targets, leader }) =>
      targets.map((target) => {
        const own = links.filter(({ from, to }) => from === target || to === target).map(nameOf);
        // In a bridge the cut may be elsewhere.
        const faults = own.length === 0 ? ended : ended.filter((fault) => own.includes(fault.target));
        const struck = faults.reduce((sum, fault) => sum + (fault.struck ?? 0), 0);
        const role = target === leader.name ? "leader" : "follower";
        return { target, happened: struck > 0, role, term: leader.term, struck, gossipStruck };
      }),
  };
}
