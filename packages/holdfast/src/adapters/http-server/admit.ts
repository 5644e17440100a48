import type { IncomingHttpHeaders } from "node:http";
import type { ExecuteOptions } from "../../resilience/index.ts";
import { systemClock } from "../../runtime/system.ts";
import { Admission } from "./admission.ts";
import { endWithResponse, isClosed, type NodeResponse } from "./node-response.ts";
import { startOf } from "./problem-start.ts";
import { refusalOf, type Refusal } from "./refusal.ts";
import { remember } from "./request-signal.ts";
import type { SheddingSettings } from "./shedding-options.ts";

/** What a framework does next with a request. */
export interface Verdict {
  readonly proceed: () => void;
  readonly refuse: (refusal: Refusal) => void;
  /** Neither: a callback of the options threw, or a policy of its own make. */
  readonly fail: (error: unknown) => void;
}

/** Lets a request through the policy; one of the verdict's functions is called, none when the client has gone. */
export function admit<Request extends object & { readonly headers: IncomingHttpHeaders }>(
  settings: SheddingSettings<Request>,
  request: Request,
  response: NodeResponse,
  verdict: Verdict,
): void {
  let execution: Omit<ExecuteOptions, "signal"> | undefined;
  try {
    execution = executionOf(settings, request);
  } catch (error) {
    verdict.fail(error);
    return;
  }
  if (execution === undefined) {
    verdict.proceed();
    return;
  }
  // Its "close" has been; the permit would never come back.
  if (isClosed(response)) return;
  const admission = new Admission(settings.policy);
  remember(request, admission);
  endWithResponse(response, admission, settings.isFailure);
  const startedAt = startOf(request) ?? systemClock.now();
  admission.begin(execution, verdict.proceed, (error) => {
    const refusal = refusalOf(error, { request, traceparent: request.headers["traceparent"], startedAt }, settings);
    if (refusal === undefined) verdict.fail(error);
    else verdict.refuse(refusal);
  });
}

/** What the policy is told about a request; undefined for one that it is not asked about. */
export function executionOf<Request>(
  { skips, key, priority }: SheddingSettings<Request>,
  request: Request,
): Omit<ExecuteOptions, "signal"> | undefined {
  if (skips?.(request) === true) return undefined;
  if (key === undefined && priority === undefined) return none;
  const whose = key?.(request);
  return {
    ...(whose === undefined ? {} : { key: whose }),
    ...(priority === undefined ? {} : { priority: priority(request) }),
  };
}

const none = {};
