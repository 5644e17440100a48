import { systemClock } from "../../runtime/system.ts";
import type { ProblemOptions } from "./problem-options.ts";
import { titleOf } from "./problem-title.ts";
import { traceIdOf } from "./problem-trace.ts";

/** What is known of the request. */
export interface RequestFacts<Request> {
  readonly request: Request;
  /** The header. */
  readonly traceparent: unknown;
  /** By the system's monotonic clock; undefined when it is not known. */
  readonly startedAt: number | undefined;
  /** The framework's contract is that the message of this error goes to the client. */
  readonly isExposed?: boolean;
}

/** The callbacks that all documents are made with, and the clock. */
export type MemberSettings<Request> = Pick<ProblemOptions<Request>, "typeUri" | "instance" | "traceId"> &
  Required<Pick<ProblemOptions<Request>, "clock">>;

/** A problem document (RFC 9457) as it goes out, and what its listener is told too. */
export interface ProblemMembers {
  readonly title: string;
  readonly body: string;
  readonly durationMs: number | undefined;
  readonly traceId: string | undefined;
}

/** The one place where documents are made: those of errors and those of requests that are turned away. */
export function problemMembers<Request>(
  { request, traceparent, startedAt }: RequestFacts<Request>,
  settings: MemberSettings<Request>,
  { status, code, detail }: { readonly status: number; readonly code: string; readonly detail?: string | undefined },
): ProblemMembers {
  const durationMs = startedAt === undefined ? undefined : Math.max(0, round(systemClock.now() - startedAt));
  const traceId = traceIdOf(traceparent) ?? textOf(() => settings.traceId?.(request), 128);
  const title = titleOf(status);
  // What is undefined, JSON leaves out.
  const body = JSON.stringify({
    type: textOf(() => settings.typeUri?.(code)) ?? "about:blank",
    title,
    status,
    detail,
    instance: textOf(() => settings.instance?.(request)),
    code,
    timestamp: new Date(settings.clock.wallTime()).toISOString(),
    durationMs,
    traceId,
  });
  return { title, body, durationMs, traceId };
}

/** A text that a callback gives, cut; undefined when it gives none, or throws. */
export function textOf(give: () => unknown, maxLength = 1024): string | undefined {
  try {
    const text = give();
    return typeof text === "string" && text !== "" ? text.slice(0, maxLength) : undefined;
  } catch {
    return undefined;
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
