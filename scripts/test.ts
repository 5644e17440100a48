import { installCommands } from "./debian-packages.ts";
import { checkPart, simulationPart, vitestPart, type TestPart } from "./test-part.ts";

const simulatedSeeds = 300;

const leftOut: string[] = [];

/** Suites against real servers and clients run where those can be had. */
const missing = installCommands([
  "etcd",
  "etcdctl",
  "nats-server",
  "nft",
  "openssl",
  "postgres",
  "prometheus",
  "rabbitmq-server",
  "redis-server",
]);
for (const { reason } of missing) leftOut.push(`test/clients: ${reason}`);
const [noBrowser] = installCommands(["chromium"]);
if (noBrowser !== undefined) leftOut.push(`test/browser: ${noBrowser.reason}`);

const parts: readonly TestPart[] = [
  checkPart("types", "tsc", "-p", "."),
  checkPart("types of the page", "tsc", "-p", "packages/dashboard"),
  checkPart("lint", "oxlint", "--type-aware"),
  checkPart("format", "oxfmt", "--check", "."),
  checkPart("layers", "node", "scripts/check-layers.ts"),
  checkPart("unused code", "knip"),
  vitestPart("unit", "unit"),
  simulationPart("simulation", simulatedSeeds),
  vitestPart("simulator", "simulation"),
  vitestPart("clients and processes", "process", missing.length > 0 ? ["test/clients/**"] : []),
  ...(noBrowser === undefined ? [vitestPart("browser", "browser")] : []),
];

let passed = 0;
let failed = 0;
const failures: string[] = [];
const summary: string[] = [];
for (const part of parts) {
  console.log(`\n# ${part.name}`);
  const start = performance.now();
  const tally = part.run();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  passed += tally.passed;
  failed += tally.failed;
  failures.push(...(tally.failures ?? (tally.failed > 0 ? [part.name] : [])));
  summary.push(`${part.name.padEnd(22)} ${tally.passed} of ${tally.passed + tally.failed} in ${seconds} s`);
}

console.log(`\n# summary\n${summary.join("\n")}`);
for (const failure of failures) console.log(`failed: ${failure}`);
for (const reason of leftOut) console.log(`left out: ${reason}`);
if (leftOut.length > 0 && process.env["CI"] === "true") failed += leftOut.length;
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
