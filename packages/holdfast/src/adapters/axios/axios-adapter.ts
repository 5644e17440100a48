import type { AxiosAdapter, InternalAxiosRequestConfig } from "axios";

/** Axios itself knows which of its adapters a name means, and which of several works here. */
export async function axiosAdapter(
  adapter: InternalAxiosRequestConfig["adapter"],
  config: InternalAxiosRequestConfig,
): Promise<AxiosAdapter> {
  if (typeof adapter === "function") return adapter;
  const { getAdapter } = await import("axios");
  return getAdapter(adapter, config);
}
