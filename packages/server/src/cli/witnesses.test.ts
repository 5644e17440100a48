import { expect, it } from "vitest";
import { withWitnesses } from "./witnesses.ts";

const cluster = ["a", "b", "w"].map((name, at) => ({ name, peer: { host: "10.0.0.1", port: 2380 + at } }));

it("says of --cluster's members which are witnesses", () => {
  expect(withWitnesses(cluster, undefined, "new")).toBe(cluster);
  expect(withWitnesses(cluster, undefined, "existing")).toBe(cluster);
  expect(withWitnesses(undefined, undefined, "new")).toBeUndefined();
  const [a, b, w] = cluster;
  expect(withWitnesses(cluster, ["w"], "new")).toEqual([a, b, { ...w, isWitness: true }]);
});

it.each<[Parameters<typeof withWitnesses>, string]>([
  [[undefined, ["w"], "new"], "--witness belongs to --cluster of a new cluster"],
  [[cluster, ["w"], "existing"], "--witness belongs to --cluster of a new cluster"],
  [[cluster, ["x"], "new"], '--witness must be of --cluster: a, b, w (got "x")'],
  [[cluster, ["a", "w"], "new"], "--witness must not be a majority of --cluster (got 2 of 3)"],
])("refuses what makes no sense: %#", (given, message) => {
  expect(() => withWitnesses(...given)).toThrow(message);
});
