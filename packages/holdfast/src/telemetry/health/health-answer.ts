import type { Health } from "./health.ts";

/** What an HTTP server answers about health. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly headers: Readonly<Record<"content-type" | "cache-control", string>>;
  /** JSON. */
  readonly body: string;
}

/** Where health is asked for, by the names that Kubernetes' own servers use. */
export const healthPaths = ["/livez", "/readyz", "/startupz", "/healthz"] as const;

export type HealthPath = (typeof healthPaths)[number];

const headers: HealthAnswer["headers"] = {
  "content-type": "application/json; charset=utf-8",
  // An answer of a moment ago is none.
  "cache-control": "no-store",
};

/**
 * Answers a request for one of `healthPaths`: 200 or 503, with `{ state, live, ready, draining }`, and `components` where
 * `details` are asked for. `/healthz` is 503 only for `unhealthy`: a degraded service serves. Undefined for other paths.
 *
 * Components' details may tell what strangers should not know: ask for them only where strangers do not.
 */
export function healthAnswer(
  health: Pick<Health, "view" | "isStarted">,
  path: string,
  options: { readonly details?: boolean } = {},
): HealthAnswer | undefined {
  const isAsked = (healthPaths as readonly string[]).includes(path);
  if (!isAsked) return undefined;
  const { state, isLive, isReady, isDraining, components } = health.view();
  const isWell: Readonly<Record<HealthPath, boolean>> = {
    "/livez": isLive,
    "/readyz": isReady,
    "/startupz": health.isStarted,
    "/healthz": state !== "unhealthy",
  };
  const document = { state, live: isLive, ready: isReady, draining: isDraining };
  const body = JSON.stringify(options.details === true ? { ...document, components } : document);
  return { status: isWell[path as HealthPath] ? 200 : 503, headers, body };
}
