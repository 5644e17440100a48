import type { AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from "axios";
import { InvalidArgumentError } from "../../errors/index.ts";
import { checkTracer, traceHeaders, type Span, type Tracer } from "../../telemetry/index.ts";
import { endRequestSpan, startRequestSpan } from "../http-client/index.ts";
import { axiosAdapter } from "./axios-adapter.ts";

/**
 * Gives all requests of an axios instance spans and the headers `traceparent` and `tracestate`, until the function that it
 * returns is called. Attached after `attachResilience`, each try has its own span.
 *
 * @throws InvalidArgumentError for no instance and no tracer
 * @example
 * attachResilience(api, retry());
 * const detach = attachTracing(api, tracer);
 */
export function attachTracing(instance: AxiosInstance, tracer: Tracer): () => void {
  const requests = instance?.interceptors?.request;
  if (typeof requests?.use !== "function") {
    throw new InvalidArgumentError("axios.instance", "must be an axios instance", instance);
  }
  checkTracer("axios.tracer", tracer);
  const trace = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
    const { adapter } = config;
    config.adapter = async (sent) => {
      const send = await axiosAdapter(adapter, sent);
      const span = startRequestSpan(tracer, { method: sent.method ?? "get", url: instance.getUri(sent) });
      const headers = sent.headers.concat();
      // One of another span may be there, and none of its state is this one's.
      headers.delete("tracestate");
      headers.set(traceHeaders(span));
      try {
        const response = await tracer.run(span, () => send({ ...sent, headers }));
        endRequestSpan(span, response.status);
        return response;
      } catch (error) {
        endFailed(span, error);
        throw error;
      }
    };
    return config;
  };
  const id = requests.use(trace, null, { synchronous: true });
  return () => requests.eject(id);
}

/** A status that axios makes an error of has come as an answer all the same. */
function endFailed(span: Span, error: unknown): void {
  const status = (error as { readonly response?: Partial<AxiosResponse> } | null)?.response?.status;
  span.fail(error);
  if (status === undefined) span.end();
  else endRequestSpan(span, status);
}
