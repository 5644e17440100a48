import type { AxiosInstance, InternalAxiosRequestConfig } from "axios";
import { InvalidArgumentError } from "../../errors/index.ts";
import type { Policy } from "../../resilience/index.ts";
import { checkClientOptions, type HttpClientOptions } from "../http-client/index.ts";
import { axiosAdapter } from "./axios-adapter.ts";
import { AxiosCall } from "./axios-call.ts";

/**
 * Gives all requests of an axios instance policies, until the function that it returns is called. Each attempt is one call
 * of the request's adapter, behind all interceptors and transformations, so those run once.
 *
 * `validateStatus` decides which answers are errors, as ever; those of them whose status counts as a failure are an
 * `HttpStatusError` for the policies. The caller gets an `AxiosResponse` or an `AxiosError`, or a policy's own rejection.
 *
 * @throws InvalidArgumentError for no instance, no policy, and options that break their rules
 * @example
 * const api = axios.create({ baseURL: "http://127.0.0.1:8080" });
 * const detach = attachResilience(api, pipeline(retry(), timeout({ timeoutMs: 2_000 })));
 * const { data } = await api.get("/");
 */
export function attachResilience(
  instance: AxiosInstance,
  policy: Policy<unknown>,
  options: HttpClientOptions = {},
): () => void {
  const requests = instance?.interceptors?.request;
  if (typeof requests?.use !== "function") {
    throw new InvalidArgumentError("axios.instance", "must be an axios instance", instance);
  }
  const settings = checkClientOptions("axios", policy, options);
  const protect = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
    const { adapter } = config;
    config.adapter = async (config) => new AxiosCall(config, await axiosAdapter(adapter, config), settings).run(policy);
    return config;
  };
  const id = requests.use(protect, null, { synchronous: true });
  return () => requests.eject(id);
}
