export { etcdCoordination } from "./etcd-coordination.ts";
export type { EtcdCoordination } from "./etcd-coordination.ts";
export { EtcdError } from "./etcd-error.ts";
export type { EtcdErrorCode } from "./etcd-error.ts";
export { etcdDefaults } from "./etcd-options.ts";
export type { EtcdOptions, EtcdTls } from "./etcd-options.ts";
