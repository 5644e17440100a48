import type { Address } from "../runtime/index.ts";

/** `host:port`, an IPv6 host in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether somebody else can reach it: not every address that can be listened on can be dialled. */
export function isDialable({ host, port }: Address): boolean {
  return port !== 0 && host !== "0.0.0.0" && host !== "::";
}

/** Undefined when the text is no address. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}
