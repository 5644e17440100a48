import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { StatusDocument } from "../../packages/server/src/http/member-status.ts";
import { freePortRange } from "./free-ports.ts";
import { start, temporaryDirectory, until } from "./holdfast-command.ts";
import { cleanUp, undo } from "./lone-node.ts";

afterAll(cleanUp);

it("up runs a cluster with a witness, which goes on when a full member is killed", async () => {
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  const port = await freePortRange(30);
  const place = ["--data", join(directory.path, "data"), "--port", String(port), "--dashboard", "off"];
  const up = start(["up", "--json", "--witness", ...place]);
  undo.push(async () => {
    up.child.kill("SIGTERM");
    await up.done;
  });
  const { members } = JSON.parse(await up.firstLine()) as {
    members: { name: string; pid: number; clientUrl: string }[];
  };
  const put = async (value: string): Promise<number> => {
    const body = JSON.stringify({ key: btoa("k"), value: btoa(value) });
    return (await fetch(`${members[1]!.clientUrl}/v3/kv/put`, { method: "POST", body })).status;
  };
  await until("a write", 10_000, async () => (await put("1")) === 200);
  const status = (await (await fetch(`${members[1]!.clientUrl}/holdfast/v1/status`)).json()) as StatusDocument;
  expect(status.members.filter(({ isWitness }) => isWitness === true).map(({ name }) => name)).toEqual(["n3"]);
  process.kill(members[0]!.pid, "SIGKILL");
  await until("its death is noticed", 10_000, () => up.stderr().includes("n1 killed by SIGKILL"));
  await until("a write after that", 10_000, async () => (await put("2")) === 200);
  await until("it is back", 20_000, () => up.stderr().includes("n1 ready again"));
});
