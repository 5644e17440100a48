import type { ClusterView, LiveMessage, PolicyView, ServiceReport } from "holdfast/telemetry";
import { clusterOf, eventAt, faultOn, fixtureNow, hello, servicesOf, storyMessages } from "./live-fixture.ts";
import type { SentRequest } from "./replay-server.ts";

/** Two hundred signs without a place to break, and names that run from right to left, or try to turn the line around. */
const long = `service-${"x".repeat(192)}`;
const arabic = "خدمة-الطلبات";
const turned = "abc\u202Egpj.exe";

/** Everything that a page can show, with names as nobody would choose them. */
export function oddMessages(): LiveMessage[] {
  const cluster = clusterOf({ members: 3 });
  const names: Readonly<Record<string, string>> = { n1: long, n2: arabic, n3: turned };
  const named = (name: string): string => names[name] ?? name;
  const renamed: ClusterView = {
    ...cluster,
    leader: named("n2"),
    servedBy: long,
    members: cluster.members.map((member) => ({
      ...member,
      name: named(member.name),
      links: member.links.map((link) => ({ ...link, to: named(link.to), state: "down" as const })),
    })),
  };
  const [report] = servicesOf();
  const policies: readonly PolicyView[] = [long, arabic, turned].flatMap((name) =>
    (report?.policies ?? []).map((policy) => ({
      ...policy,
      name: `${name}${policy.name}`,
      callsPerSecond: 123_456_789,
      configuration: { [long]: long, message: arabic },
      counts: { [long]: Number.MAX_SAFE_INTEGER },
    })),
  );
  const service = { ...report, service: long, instance: arabic, policies } as ServiceReport;
  const odd = storyMessages().map((message): LiveMessage => {
    if (message.type === "plans")
      return { ...message, plans: message.plans.map((plan) => ({ ...plan, plan: long, cause: long })) };
    if (message.type === "drills")
      return { ...message, drills: message.drills.map((drill) => ({ ...drill, drill: long })) };
    return message;
  });
  return [
    ...odd.filter(({ type }) => type !== "cluster" && type !== "services" && type !== "faults"),
    { type: "cluster", cluster: renamed },
    { type: "services", services: [service] },
    {
      type: "faults",
      faults: [{ ...faultOn(long, long), parameters: { [long]: long } }],
      targets: [
        {
          name: long,
          label: long,
          members: [long],
          kinds: [
            { kind: long, label: long, parameters: [{ name: long, unit: "ms", defaultValue: 1, min: 0, max: 1e15 }] },
          ],
        },
      ],
    },
    {
      type: "events",
      events: [long, arabic, turned].map((name) =>
        eventAt(fixtureNow, name, { type: long, [long]: long, message: `${arabic} ${turned}` }),
      ),
    },
  ];
}

/** A service with as many policies as a report may bring a page to a crawl with. */
export function manyPolicies(count: number): LiveMessage[] {
  const [report] = servicesOf();
  const policies = Array.from({ length: count }, (_, at): PolicyView => {
    const policy = report?.policies[at % report.policies.length] as PolicyView;
    return { ...policy, name: `${policy.name}-${at}` };
  });
  return [
    hello,
    { type: "cluster", cluster: clusterOf() },
    { type: "services", services: [{ ...report, policies } as ServiceReport] },
  ];
}

const oddKeys: readonly string[] = [long, `${arabic}/1`, turned, "\u0000\u0001ÿ", "big"];

const encoded = (text: string): string => Buffer.from(text, "utf8").toString("base64");
const binary = Buffer.from([0, 255, 1, 254]).toString("base64");
const mebibyte = Buffer.alloc(1024 * 1024, "0123456789abcdef").toString("base64");

/** A gateway with keys that are long, binary, and run from right to left, and with a value of 1 MiB. */
export const oddKeyAnswers: Readonly<Record<string, (request: SentRequest) => unknown>> = {
  "POST /v3/kv/range": ({ body }) => {
    const { key, range_end: end } = body as { readonly key: string; readonly range_end?: string };
    const all = [...oddKeys.map(encoded), binary];
    const kvs = all.map((each) => ({ key: each, create_revision: "1", mod_revision: "2", version: "1" }));
    if (end !== undefined) return { header: { revision: "9" }, kvs, more: false, count: String(kvs.length) };
    const value = key === encoded("big") ? mebibyte : key === binary ? binary : encoded(arabic.repeat(40));
    return { header: { revision: "9" }, kvs: [{ key, value, version: "1" }], count: "1" };
  },
};
