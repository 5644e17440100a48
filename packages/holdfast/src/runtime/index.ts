export { asyncContext } from "./async-context.ts";
export type { AsyncContext } from "./async-context.ts";
export type { CrashPolicy } from "./crash-policy.ts";
export type { DiskFaults, LinkFaults } from "./faults.ts";
export { nodeRuntime } from "./node-runtime.ts";
export { nodeConnection } from "./node-stream.ts";
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
  RandomSource,
  Runtime,
  Timer,
} from "./runtime.ts";
export { nodePasswords } from "./node-password.ts";
export type { Passwords } from "./node-password.ts";
export { nodeCipher } from "./node-cipher.ts";
export type { NodeCipher, NodeCipherKey } from "./node-cipher.ts";
export { fetchOverTls } from "./post-over-tls.ts";
export type { PostedRequest, PostTls } from "./post-over-tls.ts";
export { seededRandom } from "./seeded-random.ts";
export type { ClockFaults, SimulatedClock } from "./simulated-clock.ts";
export type { CrashOptions, DiskControl, DiskOperation } from "./simulated-disk.ts";
export type { NetworkControl } from "./simulated-network.ts";
export type { ProcessOptions, SimulatedProcess } from "./simulated-process.ts";
export { simulate, simulationReport } from "./simulation.ts";
export type { SimulationOptions, SimulationReport, SimulationResult, World } from "./simulation.ts";
export { renewableTls } from "./tls-identity.ts";
export type { RenewableTls, TlsIdentity } from "./tls-identity.ts";
