/**
 * The etcd release whose protocol is served, as told to clients that ask (`Maintenance.Status`, `GET /version`). Clients
 * choose features by it, so it names the release that behaviour is compared with, not the release of Holdfast.
 */
export const etcdCompatibleVersion = "3.4.23";

/** The protocol level all members share. */
export const etcdClusterVersion = "3.4.0";
