import { readFileSync } from "node:fs";
import { serveMember } from "@holdfast/server";
import { createMemoryMember } from "holdfast/coordination";
import { instrumentService, type InstrumentServiceOptions } from "holdfast/telemetry";
import { afterAll, expect, it } from "vitest";
import { certificateAuthority, readIdentity } from "./certificates.ts";
import { until } from "./holdfast-command.ts";

const authority = certificateAuthority();
const [server, client] = [authority.issue("server"), authority.issue("client")];
const opened: (() => unknown)[] = [];

afterAll(async () => {
  for (const close of opened.reverse()) await close();
  authority.remove();
});

it("a service reports to a member that asks for a certificate and a token, and says why when it has not both", async () => {
  const any = { host: "127.0.0.1", port: 0 };
  const token = "a-token-of-this-house";
  const tls = readIdentity(server);
  const served = await serveMember({ member: createMemoryMember(), client: any, http: any, tls, dashboard: { token } });
  opened.push(() => served.close());
  const ca = readFileSync(client.ca, "utf8");
  const own = { ca, cert: readFileSync(client.cert, "utf8"), key: readFileSync(client.key, "utf8") };
  const why: string[] = [];
  const report = (service: string, options: Partial<InstrumentServiceOptions>) => {
    const onUnheard = (reason: string): void => void why.push(`${service}: ${reason}`);
    const endpoints = [`https://127.0.0.1:${served.httpAddress!.port}`];
    const made = instrumentService({ service, endpoints, token, everyMs: 500, onUnheard, ...options });
    opened.push(() => made.close());
    return made;
  };
  const known = report("known", { tls: own });
  report("stranger", {});
  report("nameless", { tls: { ca } });
  report("tokenless", { tls: own, token: "some-other-token" });
  await until("the known one is heard", 20_000, () => known.metrics.sent >= 2);
  await until("the others have said why not", 20_000, () => why.length === 3);
  expect(known.metrics).toMatchObject({ failed: 0, lastError: null });
  expect(why.find((reason) => reason.startsWith("tokenless"))).toMatch(/answers 401: the token is missing or wrong$/);
  expect(why.map((reason) => reason.slice(0, reason.indexOf(":"))).toSorted()).toEqual([
    "nameless",
    "stranger",
    "tokenless",
  ]);
  await known.close();
});
