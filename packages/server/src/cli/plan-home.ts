import { remoteCoordination, type RemoteCoordination } from "holdfast/coordination";
import { nodeRuntime, type Runtime } from "holdfast/runtime";
import { askCluster } from "./ask-cluster.ts";
import { clientIdentity, type IdentityValues } from "./client-options.ts";
import { usageError } from "./exit.ts";

/** The cluster that keeps executions, once it has answered. @throws ExitError when nobody is there, or lets us in */
export async function connectHome(
  options: { readonly endpoints: readonly string[]; readonly timeoutMs: number } & IdentityValues,
  action: string,
): Promise<{ readonly coordination: RemoteCoordination; readonly runtime: Runtime }> {
  const { endpoints, timeoutMs } = options;
  const { user, tls } = clientIdentity(options);
  if (tls !== undefined && !(tls.ca && tls.cert && tls.key)) {
    throw usageError(`plan ${action} over TLS needs --cacert, --cert and --key`);
  }
  const { ca = "", cert = "", key = "" } = tls ?? {};
  const runtime = nodeRuntime(tls === undefined ? {} : { tls: { ca, cert, key } });
  // Nobody is there, or nobody lets us in: better said before than when the plan should run.
  await askCluster(options, (client) => client.range({ key: Buffer.from("recovery/"), countOnly: true }));
  const coordination = remoteCoordination({ runtime, endpoints, timeoutMs, ...(user && { credentials: user }) });
  return { coordination, runtime };
}
