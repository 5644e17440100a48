import { hexOf, joinKey, takeTurn } from "holdfast/coordination";
import { asClient, inNameOf, withLease } from "./caller-coordination.ts";
import { unary, waiting, type Method } from "./method.ts";
import { bytes } from "./requests.ts";
import { fromHeader } from "./responses.ts";
import { toBigInt, type WireInteger } from "holdfast/adapters/etcd-protocol";

const noBytes = new Uint8Array(0);

/** v3lockpb.Lock: locks for clients that have no recipe of their own. */
export const lockMethods: readonly Method[] = [
  waiting(["/v3lockpb.Lock/Lock", "/lock/lock", "LockRequest", "LockResponse"], (member, { message, options }) => {
    const { name, lease } = message as { readonly name: Uint8Array; readonly lease: WireInteger };
    const prefix = joinKey(bytes(name), "/");
    return asClient(() =>
      withLease(inNameOf(member, options), toBigInt(lease), options.signal!, async (session, signal) => {
        const line = { session, prefix, lostCode: "LOCK_LOST" } as const;
        const { key, header } = await takeTurn(line, joinKey(prefix, hexOf(session.leaseId)), noBytes, signal);
        return { header: fromHeader(header), key };
      }),
    );
  }),
  unary(["/v3lockpb.Lock/Unlock", "/lock/unlock", "UnlockRequest", "UnlockResponse"], (member, { message, options }) =>
    asClient(async () => {
      const { key } = message as { readonly key: Uint8Array };
      const { header } = await member.deleteRange({ key: bytes(key) }, options);
      return { header: fromHeader(header) };
    }),
  ),
];
