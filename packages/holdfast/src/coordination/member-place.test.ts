import { describe, expect, it } from "vitest";
import { emptyConfiguration } from "../consensus/index.ts";
import { foundingCluster, initialPlace, joinedPlace, type JoinedCluster } from "./member-place.ts";

const cluster = {
  name: "c",
  members: ["a", "b"].map((name) => ({ name, peer: { host: name, port: 1 } })),
};
const place = initialPlace(cluster, "b");
const joined: JoinedCluster = {
  clusterId: place.clusterId,
  memberId: BigInt(place.id),
  members: place.members.map(({ id, name }) => ({ id, name, peer: { host: name, port: 1 } })),
};
const later = { id: 7n, name: "d", peer: { host: "d", port: 1 } };

describe("where a member belongs", () => {
  it("is told of a cluster that began with it", () => {
    expect(place.configuration.voters).toEqual([...place.peers.keys()].toSorted((a, b) => a - b));
    expect(place.configuration.addresses.get(place.id)).toBe("b:1");
    expect(place.advertise).toEqual({ host: "b", port: 1 });
  });

  it("is told of a cluster that it joins, in which it takes no part at first", () => {
    const at = joinedPlace({ ...joined, memberId: 7n, members: [...joined.members, later] });
    expect(at).toMatchObject({ id: 7, clusterId: place.clusterId, advertise: later.peer });
    expect(at.configuration).toBe(emptyConfiguration);
    expect(at.members.map(({ peerUrls }) => peerUrls[0])).toEqual(["http://a:1", "http://b:1", "http://d:1"]);
  });

  it("is the founding cluster only while all of its members are those it began with", () => {
    expect(foundingCluster(joined, "c")).toEqual(cluster);
    expect(foundingCluster(joined, "other")).toBeUndefined();
    expect(foundingCluster({ ...joined, members: [...joined.members, later] }, "c")).toBeUndefined();
    expect(foundingCluster({ ...joined, members: joined.members.slice(1) }, "c")).toBeUndefined();
    const replaced = joined.members.map((member, at) => (at === 0 ? { ...member, id: 7n } : member));
    expect(foundingCluster({ ...joined, members: replaced }, "c")).toBeUndefined();
  });

  it.each([
    [{ clusterId: 0n }, "join.clusterId must be from 1 to 2^64 - 1 (got 0)"],
    [{ memberId: 5n }, "join.memberId must be one of join.members (got 5)"],
    [{ members: [{ ...later, id: 0n }] }, "join.members[0].id must be from 1 to 2^53 - 1 (got 0)"],
    [{ members: [later, later] }, "join.members[1].id must be unique (got 7)"],
  ])("refuses %o", (change, message) => {
    expect(() => joinedPlace({ ...joined, ...change })).toThrow(message);
  });
});
