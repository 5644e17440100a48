import { spawn } from "node:child_process";
import type { Endpoint } from "./endpoint.ts";

/** What one run of etcdctl printed; of stderr only the verdict, without the client library's log lines. */
export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly error: string;
}

/** Runs etcdctl against an endpoint, `input` on its stdin. */
export function etcdctl(endpoint: Endpoint, args: readonly string[], input: string = ""): Promise<Run> {
  const child = spawn("etcdctl", [`--endpoints=${endpoint.client}`, ...args], {
    env: { ...process.env, ETCDCTL_API: "3" },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // It may end without having read it.
  child.stdin.on("error", () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, stdout, error: verdict(stderr) }));
  });
}

export function verdict(stderr: string): string {
  return stderr
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("{"))
    .join("\n");
}

/** Replaces what differs between any two clusters: ids, terms, addresses and times. */
export function normalise(text: string): string {
  return text
    .replace(/"(cluster_id|member_id|raft_term|ID|leader)":"?\d+"?/g, '"$1":"*"')
    .replace(/"(ClusterID|MemberID|RaftTerm)" : \d+/g, '"$1" : *')
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:*")
    .replace(/took = [\d.]+[a-zµ]+/g, "took = *");
}
