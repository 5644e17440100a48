import { checkFunction, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { JsonValue } from "./plan.ts";
import type { StepExecutor } from "./step-executor.ts";
import { StepFailure } from "./step-failure.ts";

/** As much of `fetch` as a health check needs. */
export type FetchLike = (
  url: string,
  options: { readonly signal: AbortSignal; readonly redirect: "manual" },
) => Promise<{ readonly status: number; text(): Promise<string> }>;

/**
 * Steps of the type `health-check`: a GET of `url` must be answered with `status` (default any of 200 to 299), and a body
 * that `contains` a text. Wait for a service that is starting with the step's `retry`. Changes nothing.
 *
 * @example
 * createOrchestrator({ coordination, executors: [healthCheck({ fetch })] });
 */
export function healthCheck(options: { readonly fetch: FetchLike }): StepExecutor {
  checkOptionNames("healthCheck", options, ["fetch"]);
  const { fetch } = options;
  if (checkFunction("healthCheck.fetch", fetch) === undefined) {
    throw new InvalidArgumentError("healthCheck.fetch", "must be a function", fetch);
  }
  return {
    type: "health-check",
    parameters: {
      url: { type: "text", required: true, check: (url) => (isHttp(url) ? undefined : "must be an http or https URL") },
      status: { type: "number" },
      contains: { type: "text" },
    },
    outputs: ["status"],
    changes: false,
    errorKind: "service",
    async run({ parameters, signal }) {
      const { url, status: wanted, contains } = parameters;
      const response = await fetch(url as string, { signal, redirect: "manual" });
      const { status } = response;
      // Also where nobody looks at it: a body that is not read keeps its connection.
      const body = await response.text();
      if (wanted === undefined ? status < 200 || status > 299 : status !== wanted) {
        throw new StepFailure(
          "service",
          `answered ${status}, not ${wanted === undefined ? "200 to 299" : JSON.stringify(wanted)}`,
        );
      }
      if (typeof contains === "string" && !body.includes(contains)) {
        throw new StepFailure("service", `answered ${status} without ${JSON.stringify(contains)}`);
      }
      return { status };
    },
  };
}

function isHttp(url: JsonValue): boolean {
  return typeof url === "string" && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
