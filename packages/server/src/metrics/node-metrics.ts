import type { Disk } from "holdfast/runtime";
import { createMetrics, recordTelemetry, type Metrics, type Telemetry } from "holdfast/telemetry";
import type { CertificateLife } from "../tls/certificate-expiry.ts";
import { timedDisk } from "./timed-disk.ts";

/** Metrics of a node that its member does not know: of what has happened, and of its disk. */
export interface NodeMetrics {
  readonly metrics: Metrics;
  /** The same disk, measured. */
  measured(disk: Disk): Disk;
}

/** As etcd has them: from 1 ms, each twice the one before. */
const syncBuckets: readonly number[] = Array.from({ length: 14 }, (_, at) => 0.001 * 2 ** at);

export function createNodeMetrics(
  telemetry: Telemetry,
  quotaBytes: number,
  certificates: () => readonly CertificateLife[] = () => [],
): NodeMetrics {
  const metrics = createMetrics();
  recordTelemetry(metrics, telemetry);
  const changes = metrics
    .counter({ name: "etcd_server_leader_changes_seen_total", help: "How often another leader was followed." })
    .with();
  telemetry.subscribe(({ leader }) => leader !== null && changes.add(), { types: ["leaderChanged"] });
  metrics
    .gauge({ name: "etcd_server_quota_backend_bytes", help: "How many bytes keys and values may take." })
    .with()
    .set(quotaBytes);
  metrics.readFrom({
    name: "holdfast_certificate_expiry_timestamp_seconds",
    help: "Until when a certificate is valid that the node goes by, since 1970: `client` and `peer` are its own, `client_ca` and `peer_ca` those of who signs the others'.",
    type: "gauge",
    labels: ["certificate"],
    read(tell) {
      for (const { certificate, validUntil } of certificates()) tell(validUntil / 1_000, certificate);
    },
  });
  const syncs = metrics
    .histogram({
      name: "etcd_disk_wal_fsync_duration_seconds",
      help: "How long the disk took until what was written to it was durable.",
      buckets: syncBuckets,
    })
    .with();
  return { metrics, measured: (disk) => timedDisk(disk, (seconds) => syncs.record(seconds)) };
}
