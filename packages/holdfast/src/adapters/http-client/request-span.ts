import type { Span, Tracer } from "../../telemetry/index.ts";

/** What is known of a request before it is sent. */
export interface SentRequest {
  readonly method: string;
  readonly url: string | URL;
}

/** The span of one request as it is sent: of each try its own. The names are OpenTelemetry's for HTTP. */
export function startRequestSpan(tracer: Pick<Tracer, "startSpan">, { method, url }: SentRequest): Span {
  const name = method.toUpperCase();
  return tracer.startSpan(name, { kind: "client", attributes: { "http.request.method": name, ...placeOf(url) } });
}

/** The answer's head is there. */
export function endRequestSpan(span: Span, status: number): void {
  span.setAttribute("http.response.status_code", status);
  if (status >= 400) {
    span.setAttribute("error.type", String(status));
    span.setStatus({ code: "error" });
  }
  span.end();
}

/** Without names, passwords and the query: those may hold what nobody is to see. */
function placeOf(given: string | URL): Record<string, string | number> {
  const url = String(given);
  if (!URL.canParse(url)) return {};
  const { origin, pathname, hostname, port, protocol } = new URL(url);
  const usual = protocol === "https:" ? 443 : 80;
  return {
    "url.full": `${origin}${pathname}`,
    "server.address": hostname,
    "server.port": port === "" ? usual : Number(port),
  };
}
