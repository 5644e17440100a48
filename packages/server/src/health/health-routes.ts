import type { FastifyInstance, FastifyReply } from "fastify";
import type { CheckOutcome } from "./health-checks.ts";
import type { MemberHealth } from "./member-health.ts";

type Run = (except?: readonly string[]) => Promise<readonly CheckOutcome[]>;

interface Query {
  readonly verbose?: unknown;
  readonly exclude?: string | readonly string[];
}

/**
 * `/livez` and `/readyz` as etcd answers them from 3.5 on: `ok`, or 503 with a line for each check; those lines also with
 * `?verbose`, all but some with `?exclude=NAME`, and one of them alone below.
 */
export function registerHealth(app: FastifyInstance, health: MemberHealth): void {
  const runs: readonly (readonly [path: string, run: Run])[] = [
    ["/livez", (except) => health.live(except)],
    ["/readyz", (except) => health.ready(except)],
  ];
  for (const [path, run] of runs) {
    app.get<{ readonly Querystring: Query }>(path, async ({ query: { verbose, exclude = [] } }, reply) => {
      const outcomes = await run(typeof exclude === "string" ? [exclude] : exclude);
      return answer(reply, outcomes, verbose !== undefined);
    });
    app.get<{ readonly Params: { readonly check: string } }>(`${path}/:check`, async ({ params }, reply) => {
      const outcomes = (await run()).filter(({ name }) => name === params.check);
      if (outcomes.length > 0) return answer(reply, outcomes, false);
      return reply.code(404).type("text/plain; charset=utf-8").send("404 page not found\n");
    });
  }
}

function answer(reply: FastifyReply, outcomes: readonly CheckOutcome[], isVerbose: boolean): FastifyReply {
  const isWell = outcomes.every(({ failure }) => failure === undefined);
  const lines = outcomes.map(({ name, failure, warning }) => {
    if (failure !== undefined) return `[-]${name} failed: ${failure}\n`;
    return warning === undefined ? `[+]${name} ok\n` : `[+]${name} degraded: ${warning}\n`;
  });
  const body = (isWell && !isVerbose ? "" : lines.join("")) + (isWell ? "ok\n" : "");
  reply.code(isWell ? 200 : 503).header("cache-control", "no-store");
  return reply.type("text/plain; charset=utf-8").send(body);
}
