export { nodeRuntime } from "./node-runtime.ts";
export { platformError } from "./platform-error.ts";
export type { PlatformError, PlatformErrorCode } from "./platform-error.ts";
export type {
  Address,
  Clock,
  Connection,
  ConnectionHandler,
  DatagramSocket,
  DirectoryLock,
  Disk,
  DiskFile,
  Listener,
  Network,
  Random,
  Runtime,
  Timer,
} from "./runtime.ts";
export { seededRandom } from "./seeded-random.ts";
