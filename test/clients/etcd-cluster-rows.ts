/** Rows of `etcd` that errors-etcd-cluster.test.ts provokes. */
export const etcdClusterRows: readonly string[] = [
  "request timed out",
  "no leader",
  "leader changed",
  "not leader",
  "rpc not supported for learner",
  "mvcc: database space exceeded",
  "EtcdWatchStreamEnded",
];
