import { describe, expect, it } from "vitest";
import { findMember, type ClusterMember } from "./cluster-members.ts";
import { checkLine, memberCommand, renderMemberList } from "./member-command.ts";
import { moveLeaderCommand } from "./move-leader-command.ts";
import { parseLine } from "./parse-line.ts";
import { snapshotCommand } from "./snapshot-command.ts";

const plain = (_: string, text: string): string => text;
const peer = { host: "10.0.0.4", port: 2380 };
const bare = { name: undefined, peer: undefined, learner: false, witness: false };

const voter: ClusterMember = {
  id: "1a2b",
  name: "n1",
  peerUrls: ["http://10.0.0.1:2380"],
  clientUrls: ["http://10.0.0.1:2379"],
  isLearner: false,
  isWitness: false,
};
const learner: ClusterMember = { ...voter, id: "3c", name: "n2", isLearner: true };
const absent: ClusterMember = { ...voter, id: "4d", name: "", clientUrls: [], isLearner: true };

describe("holdfast member", () => {
  it("reads its line", () => {
    const line = ["add", "n4", "--peer", "10.0.0.4:2380", "--learner", "--endpoints", "http://10.0.0.1:2379"];
    const { options, positionals } = parseLine(memberCommand, line, {});
    expect([positionals, options["peer"], options["learner"]]).toEqual([["add", "n4"], peer, true]);
  });

  it("knows what each action needs", () => {
    expect(checkLine({ ...bare, action: "list" })).toMatchObject({ action: "list", peerUrl: "" });
    expect(checkLine({ ...bare, action: "add", name: "n4", peer, learner: true })).toEqual({
      action: "add",
      name: "n4",
      peerUrl: "http://10.0.0.4:2380",
      isLearner: true,
      isWitness: false,
    });
    expect(checkLine({ ...bare, action: "add", name: "w", peer, witness: true })).toMatchObject({ isWitness: true });
    const six = { host: "::1", port: 7 };
    expect(checkLine({ ...bare, action: "update", name: "n4", peer: six }).peerUrl).toBe("http://[::1]:7");
    expect(checkLine({ ...bare, action: "remove", name: "n4" })).toMatchObject({ action: "remove", name: "n4" });
  });

  it.each([
    [{ ...bare, action: "lsit" }, 'ACTION must be one of list, add, remove, update, promote (got "lsit")'],
    [{ ...bare, action: "list", name: "n1" }, 'unexpected argument "n1"'],
    [{ ...bare, action: "remove" }, "NAME is missing: the member to remove"],
    [{ ...bare, action: "add", name: "n4" }, "--peer is required: --peer HOST:PORT"],
    [{ ...bare, action: "remove", name: "n4", peer }, "--peer is for add and update, not for remove"],
    [{ ...bare, action: "promote", name: "n4", learner: true }, "--learner is for add, not for promote"],
    [{ ...bare, action: "update", name: "n4", peer, witness: true }, "--witness is for add, not for update"],
    [
      { ...bare, action: "add", name: "n4", peer, learner: true, witness: true },
      "--witness and --learner exclude each other",
    ],
    [
      { ...bare, action: "add", name: "n4", peer: { ...peer, port: 0 } },
      "--peer must have a port that the others can reach (got 0)",
    ],
  ])("refuses %o", (line, message) => {
    expect(() => checkLine(line)).toThrow(expect.objectContaining({ exitCode: 2, message }) as Error);
  });

  it("finds members by name, and by id in whatever case", () => {
    const members = [voter, learner, absent];
    expect(findMember(members, "n2")).toBe(learner);
    expect(findMember(members, "4D")).toBe(absent);
    expect(() => findMember(members, "n9")).toThrow(`the cluster has no member "n9"; there are n1, n2, 4d`);
    const twins = [voter, { ...voter, id: "9" }];
    expect(() => findMember(twins, "n1")).toThrow("n1 is the name of several members: name it by its id, 1a2b or 9");
  });

  it("lists them", () => {
    const witness = { ...voter, id: "5e", name: "w", clientUrls: [], isWitness: true };
    expect(renderMemberList([voter, learner, absent, witness], plain)).toEqual([
      "ID    NAME  KIND       PEER                  CLIENT",
      "1a2b  n1    voter      http://10.0.0.1:2380  http://10.0.0.1:2379",
      "3c    n2    learner    http://10.0.0.1:2380  http://10.0.0.1:2379",
      "4d    -     never ran  http://10.0.0.1:2380  -",
      "5e    w     witness    http://10.0.0.1:2380  -",
    ]);
  });
});

describe("holdfast move-leader and snapshot", () => {
  it("read their lines", () => {
    expect(parseLine(moveLeaderCommand, ["n2"], {}).positionals).toEqual(["n2"]);
    expect(() => parseLine(moveLeaderCommand, [], {})).toThrow("NAME is missing");
    const line = ["restore", "file", "--data", "d", "--name", "n1", "--cluster", "n1=127.0.0.1:2380"];
    expect(parseLine(snapshotCommand, line, {}).options).toMatchObject({
      data: "d",
      name: "n1",
      cluster: [{ name: "n1", peer: { host: "127.0.0.1", port: 2380 } }],
      clusterName: "holdfast",
    });
  });

  it.each([
    [["load", "f"], 'ACTION must be one of save, status, restore (got "load")'],
    [["save", ""], 'FILE must not be empty (got "")'],
    [["restore", "f"], "--data is required: --data DIR"],
    [["restore", "f", "--data", "d"], "--name is required: --name NAME"],
    [["restore", "f", "--data", "d", "--name", "n1"], "--cluster is required: --cluster NAME=HOST:PORT,…"],
    [
      ["restore", "f", "--data", "d", "--name", "n2", "--cluster", "n1=127.0.0.1:2380"],
      '--name must be one of --cluster: n1 (got "n2")',
    ],
  ])("refuse %o", async (line, message) => {
    const { options, positionals } = parseLine(snapshotCommand, line, {});
    const terminal = undefined as never;
    await expect(snapshotCommand.run({ options, positionals, terminal })).rejects.toMatchObject({
      exitCode: 2,
      message,
    });
  });
});
