import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { ClusterView, MemberView } from "holdfast/telemetry";
import { linkGroups, onCircle, pairLinks, type PairLink, type Spot } from "../model/topology.ts";
import { livenessTone } from "./member-state.tsx";

const size = 420;
const centre = size / 2;
/** With more members, links that are well are left out, but for the leader's. */
const fewMembers = 12;
const maxLinks = 400;
const fewMarks = 60;

/** The members on a circle, and the ways between them. The table beside it says the same. */
export function ClusterPicture({ cluster }: { readonly cluster: ClusterView }): JSX.Element {
  // Indexes change all the time, and the picture has none of them: it is drawn anew when something in it changes.
  return useMemo(() => drawPicture(cluster), [signatureOf(cluster)]);
}

function signatureOf(cluster: ClusterView): string {
  const members = cluster.members.map(
    ({ name, liveness, role, isLearner, isWitness }) => `${name} ${liveness} ${role ?? ""} ${isLearner} ${isWitness}`,
  );
  const links = pairLinks(cluster)
    .filter(({ state }) => state !== "up")
    .map(({ a, b, state, deaf }) => `${a} ${b} ${state} ${deaf ?? ""}`);
  return [cluster.leader, ...members, ...links].join("\n");
}

function drawPicture(cluster: ClusterView): JSX.Element {
  const { members, leader } = cluster;
  const radius = members.length > fewMembers ? 180 : 140;
  const spots = onCircle(
    members.map(({ name }) => name),
    centre,
    radius,
  );
  const placeOf = new Map(spots.map((spot) => [spot.name, spot]));
  const links = pairLinks(cluster);
  const drawn = shownLinks(links, cluster);
  // A cut through a crowd is hundreds of links: the lines show it, and a mark on each would hide it.
  const isDense = drawn.filter(({ state }) => state === "cut").length > fewMarks;
  const groups = linkGroups(cluster);
  return (
    <>
      <svg
        class={isDense ? "picture dense" : "picture"}
        viewBox={`0 0 ${size} ${size}`}
        role="img"
        aria-label={pictureLabel(cluster, groups)}
      >
        {drawn.map((link) => (
          <Link key={`${link.a} ${link.b}`} link={link} from={placeOf.get(link.a)} to={placeOf.get(link.b)} />
        ))}
        {members.map((member) => (
          <Node
            key={member.name}
            member={member}
            spot={placeOf.get(member.name)}
            isLeader={member.name === leader}
            small={members.length > fewMembers}
          />
        ))}
      </svg>
      <p class="groups">
        {groups.length > 1
          ? `Cut into ${groups.length}: ${groups.map(someOf).join(" | ")}`
          : `Every link is ${links.some(({ state }) => state !== "up" && state !== "unknown") ? "usable or suspect" : "up"}, as far as members tell.`}
      </p>
    </>
  );
}

/** Of a crowd only what is odd: a member that does not answer shows that itself, and has a hundred links that do not either. */
function shownLinks(links: readonly PairLink[], { members, leader }: ClusterView): readonly PairLink[] {
  if (members.length <= fewMembers) return links;
  const present = new Set(members.filter(({ liveness }) => liveness === "answers").map(({ name }) => name));
  const among = links.filter(({ a, b }) => present.has(a) && present.has(b));
  const troubled = among.filter(({ state }) => state !== "up" && state !== "unknown");
  const ofLeader = among.filter(({ a, b, state }) => state === "up" && (a === leader || b === leader));
  return [...troubled, ...ofLeader].slice(0, maxLinks);
}

function Link({
  link,
  from,
  to,
}: {
  readonly link: PairLink;
  readonly from: Spot | undefined;
  readonly to: Spot | undefined;
}): JSX.Element | null {
  if (from === undefined || to === undefined) return null;
  const { state, deaf, a, b } = link;
  const [x, y] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  const title = state === "oneWay" ? `${deaf ?? ""} does not hear ${deaf === a ? b : a}` : `${a} and ${b}: ${state}`;
  // Towards the one that hears nothing.
  const [tail, head] = deaf === a ? [to, from] : [from, to];
  const angle = (Math.atan2(head.y - tail.y, head.x - tail.x) * 180) / Math.PI;
  return (
    <g class={`link ${state}`}>
      <title>{title}</title>
      <line x1={from.x} y1={from.y} x2={to.x} y2={to.y} />
      {state === "cut" && <path class="mark" d={`M${x - 6} ${y - 6}l12 12m0 -12l-12 12`} />}
      {state === "oneWay" && (
        <path class="mark" d="M-8 -7l10 7l-10 7M8 -9v18" transform={`translate(${x} ${y}) rotate(${angle})`} />
      )}
    </g>
  );
}

function Node({
  member,
  spot,
  isLeader,
  small,
}: {
  readonly member: MemberView;
  readonly spot: Spot | undefined;
  readonly isLeader: boolean;
  readonly small: boolean;
}): JSX.Element | null {
  if (spot === undefined) return null;
  const { name, liveness, isLearner, isWitness } = member;
  const radius = small ? 6 : 26;
  const kind = isLearner ? "learner" : isWitness ? "witness" : "";
  const named = !small || isLeader || liveness !== "answers";
  const away = small ? 1.13 : 1;
  const [x, y] = [centre + (spot.x - centre) * away, centre + (spot.y - centre) * away];
  return (
    <g class={`node ${livenessTone(liveness)} ${liveness}`}>
      <title>{`${name}: ${liveness}${isLeader ? ", leader" : ""}${kind === "" ? "" : `, ${kind}`}`}</title>
      {isLeader && <circle class="halo" cx={spot.x} cy={spot.y} r={radius + (small ? 3 : 5)} />}
      <circle class="body" cx={spot.x} cy={spot.y} r={radius} />
      {liveness === "stopped" && (
        <path
          class="mark"
          d={`M${spot.x - radius * 0.7} ${spot.y - radius * 0.7}L${spot.x + radius * 0.7} ${spot.y + radius * 0.7}`}
        />
      )}
      {named && (
        <text x={x} y={small ? y + 4 : y + 4}>
          {name.length > 9 ? `${name.slice(0, 8)}…` : name}
        </text>
      )}
      {!small && (
        <text class="under" x={spot.x} y={spot.y + radius + 16}>
          {[
            isLeader ? "♛ leader" : liveness === "answers" ? (kind === "" ? (member.role ?? "") : kind) : liveness,
          ].join("")}
        </text>
      )}
    </g>
  );
}

const maxNamed = 8;

function someOf(names: readonly string[]): string {
  const more = names.length - maxNamed;
  return names.slice(0, maxNamed).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function pictureLabel({ members, leader }: ClusterView, groups: readonly (readonly string[])[]): string {
  const troubled = members
    .filter(({ liveness }) => liveness !== "answers")
    .map(({ name, liveness }) => `${name} ${liveness}`);
  return [
    `${members.length} members`,
    leader === null ? "no leader" : `leader ${leader}`,
    ...troubled.slice(0, maxNamed),
    ...(groups.length > 1 ? [`cut into ${groups.map(someOf).join(" and ")}`] : []),
  ].join(", ");
}
