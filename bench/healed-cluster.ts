import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { statusReader, type StatusReader } from "../packages/server/src/client/cluster-status.ts";
import type { StatusDocument } from "../packages/server/src/http/member-status.ts";
import { readLayout, type ClusterLayout } from "../packages/server/src/supervisor/cluster-layout.ts";
import { clientUrl, placeMember } from "../packages/server/src/supervisor/cluster-plan.ts";

const bin = fileURLToPath(new URL("../packages/server/bin/holdfast.js", import.meta.url));
/** Of each member's own disk: room for its log, soon filled. */
const diskBytes = 48 * 1024 * 1024;
const disksAhead = 4;

/** A cluster as somebody sees it who is no part of it. */
export interface ClusterSight {
  /** Of the leader; undefined without one. */
  readonly leader: StatusDocument | undefined;
  /** Members that answer, by name. */
  readonly answering: ReadonlyMap<string, StatusDocument>;
  readonly isFull: boolean;
}

/** `holdfast up`, every member of which has a disk of its own. */
export interface HealedCluster {
  readonly nodes: number;
  /** Of those that are its members now. */
  urls(): readonly string[];
  layout(): ClusterLayout;
  look(): Promise<ClusterSight>;
  /** The process of a member, by the port that it listens on. */
  pidOf(name: string): number | undefined;
  directoryOf(name: string): string;
  said(): readonly string[];
  close(): Promise<void>;
}

export async function startHealedCluster(directory: string, port: number, nodes: number): Promise<HealedCluster> {
  const mounted = new Set<string>();
  /** A disk for each member there is and for those that come next. */
  const provideDisks = (last: number): void => {
    for (let number = 1; number <= last; number++) {
      const place = join(directory, `n${number}`);
      if (mounted.has(place)) continue;
      mkdirSync(place, { recursive: true });
      const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "holdfast", place]);
      if (status !== 0) throw new Error(`mount: ${String(stderr)}`);
      mounted.add(place);
    }
  };
  provideDisks(nodes + disksAhead);
  const line = ["up", "--json", "--data", directory, "--port", String(port), "--nodes", String(nodes)];
  const child = spawn(process.execPath, [bin, ...line, "--dashboard", "off", "--heal-limit", "1000"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on("line", (text) => said.push(text));
  await firstLine(child, said);
  const reader = statusReader({ timeoutMs: 1_000 });
  const layout = (): ClusterLayout => {
    const read = readLayout(readFileSync(join(directory, "cluster.json"), "utf8"));
    if (read === undefined) throw new Error("cluster.json cannot be read");
    provideDisks(read.next + disksAhead);
    return read;
  };
  const planOf = (name: string): ReturnType<typeof placeMember> => {
    return placeMember(
      layout().members.find((member) => member.name === name)!,
      { directory, port },
    );
  };
  const urls = (): readonly string[] => layout().members.map(({ name }) => clientUrl(planOf(name)));
  return {
    nodes,
    urls,
    layout,
    look: () => look(reader, urls(), nodes),
    pidOf: (name) => childrenOf(child.pid!).find((pid) => isMember(pid, name)),
    directoryOf: (name) => join(directory, name),
    said: () => said,
    async close() {
      reader.close();
      const ended = new Promise((resolve) => void child.once("close", resolve));
      if (child.exitCode === null) child.kill("SIGTERM");
      await ended;
      for (const place of mounted) spawnSync("umount", ["-l", place]);
    },
  };
}

function firstLine(child: ChildProcess, said: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).once("line", resolve);
    child.once("close", (code) => reject(new Error(`holdfast up ended with code ${code}:\n${said.join("\n")}`)));
  });
}

async function look(reader: StatusReader, urls: readonly string[], nodes: number): Promise<ClusterSight> {
  const answering = new Map<string, StatusDocument>();
  const answers = await Promise.allSettled(urls.map((url) => reader.member(url)));
  for (const answer of answers)
    if (answer.status === "fulfilled") answering.set(answer.value.member.name, answer.value);
  const leader = [...answering.values()]
    .filter(({ member }) => member.role === "leader")
    .toSorted((a, b) => b.member.term - a.member.term)[0];
  const isFull =
    leader !== undefined &&
    leader.members.length === nodes &&
    leader.members.every(({ name, isLearner }) => !isLearner && follows(answering.get(name), leader));
  return { leader, answering, isFull };
}

/** It takes part, and has what the leader has, but for what is on its way. */
function follows(document: StatusDocument | undefined, leader: StatusDocument): boolean {
  if (document === undefined || document.member.appliedIndex < leader.member.commitIndex - 100) return false;
  return document.member.id === leader.member.id || document.member.leader === leader.member.id;
}

function childrenOf(pid: number): readonly number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => (line.trim() === "" ? [] : [Number(line)]));
}

function isMember(pid: number, name: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(`--name=${name}`);
  } catch {
    return false;
  }
}

/** Writes until there is no room left. */
export function fillUp(file: number): number {
  const block = Buffer.alloc(64 * 1024, 1);
  let written = 0;
  for (;;) {
    try {
      written += writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") return written;
      throw error;
    }
  }
}
