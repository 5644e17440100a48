import type { Coordination, RequestOptions } from "../coordination.ts";

/**
 * A service as one user may use it: every request is made with these credentials, unless it brings its own. For sessions,
 * and for what stands on them, while users are enabled.
 *
 * @example
 * const { token } = await member.auth.authenticate({ name: "billing", password });
 * const session = await openSession(actingAs(member, { token }));
 */
export function actingAs(service: Coordination, credentials: NonNullable<RequestOptions["credentials"]>): Coordination {
  return {
    range: (request, options) => service.range(request, { credentials, ...options }),
    put: (request, options) => service.put(request, { credentials, ...options }),
    deleteRange: (request, options) => service.deleteRange(request, { credentials, ...options }),
    txn: (request, options) => service.txn(request, { credentials, ...options }),
    compact: (request, options) => service.compact(request, { credentials, ...options }),
    watch: (request, options) => service.watch(request, { credentials, ...options }),
    leaseGrant: (request, options) => service.leaseGrant(request, { credentials, ...options }),
    leaseRevoke: (request, options) => service.leaseRevoke(request, { credentials, ...options }),
    leaseKeepAlive: (request, options) => service.leaseKeepAlive(request, { credentials, ...options }),
    leaseTimeToLive: (request, options) => service.leaseTimeToLive(request, { credentials, ...options }),
    leases: (options) => service.leases({ credentials, ...options }),
  };
}
