import type { Address } from "holdfast/runtime";
import { addressText } from "../supervisor/cluster-plan.ts";
import type { Routes } from "../supervisor/routed-network.ts";
import { usageError } from "./exit.ts";
import { address, type Option } from "./option.ts";

export interface RouteTables {
  readonly streams: Routes;
  readonly datagrams: Routes;
}

/** `tcp:HOST:PORT=HOST:PORT,udp:HOST:PORT=HOST:PORT`, for other parts of Holdfast only. */
export function routes(help: string, options: { readonly hidden: boolean }): Option<RouteTables | undefined> {
  const { read } = address({ help, required: true });
  return {
    placeholder: "ROUTE,…",
    help,
    ...options,
    read(value, source) {
      const streams = new Map<string, Address>();
      const datagrams = new Map<string, Address>();
      for (const part of value.split(",")) {
        const [, protocol, from, to] = /^(tcp|udp):([^=]+)=([^=]+)$/.exec(part) ?? [];
        if (from === undefined || to === undefined) {
          throw usageError(`${source} must be tcp: or udp: and HOST:PORT=HOST:PORT (got ${JSON.stringify(part)})`);
        }
        (protocol === "tcp" ? streams : datagrams).set(addressText(read(from, source)), read(to, source));
      }
      return { streams, datagrams };
    },
  };
}
