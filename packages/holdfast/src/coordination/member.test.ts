import { describe, expect, it } from "vitest";
import { nodeRuntime } from "../runtime/index.ts";
import { createMember, type MemberOptions } from "./member.ts";

const peer = { host: "127.0.0.1", port: 1 };
const valid: MemberOptions = {
  runtime: nodeRuntime(),
  name: "a",
  directory: "/nowhere/that/exists",
  peer,
  cluster: { name: "c", members: [{ name: "a", peer }] },
  clientUrls: [],
  httpUrls: [],
};

describe("createMember refuses", () => {
  it.each<[Partial<MemberOptions>, string]>([
    [{ name: "b" }, `name must be one of the cluster's members (a) (got "b")`],
    [{ cluster: { name: "", members: [{ name: "a", peer }] } }, 'cluster.name must not be empty (got "")'],
    [
      { join: { clusterId: 1n, memberId: 1n, members: [] } },
      expect.stringContaining("join must not be given with cluster") as string,
    ],
    [{ quotaBytes: 0 }, "quotaBytes must be an integer >= 1 (got 0)"],
    [{ cluster: { name: "c", members: [] } }, "cluster.members must be 1 to 7 (got 0)"],
    [{ heartbeatMs: 9 }, "heartbeatMs must be an integer >= 10 (got 9)"],
    [{ heartbeatMs: Number.NaN }, "heartbeatMs must be an integer >= 10 (got NaN)"],
    [{ heartbeatMs: 300 }, "electionTimeoutMs must be an integer >= 600 (got 500)"],
    [{ electionTimeoutMs: 199 }, "electionTimeoutMs must be an integer >= 200 (got 199)"],
    [{ electionTimeoutMs: 500.5 }, "electionTimeoutMs must be an integer >= 200 (got 500.5)"],
    [{ snapshotEntries: 0 }, "snapshotEntries must be an integer >= 1 (got 0)"],
    [{ trailingEntries: -1 }, "trailingEntries must be an integer >= 0 (got -1)"],
    [{ maxWaiting: 0 }, "maxWaiting must be an integer >= 1 (got 0)"],
    [{ leases: { tickMs: 50 } }, "leases.tickMs must be an integer >= 100 (got 50)"],
    [{ segmentBytes: 0 }, "segmentBytes must be an integer >= 1 (got 0)"],
    [{ maxAppendBytes: Infinity }, "maxAppendBytes must be an integer >= 1 (got Infinity)"],
  ])("%o", async (change, message) => {
    const refused = createMember({ ...valid, ...change });
    await expect(refused).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message });
  });
});
