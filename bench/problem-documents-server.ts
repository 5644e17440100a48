/**
 * Two Fastify servers in one process, one bare and one with the plugin: sends their ports, and answers every message with
 * the processor time that the process has taken, in microseconds.
 */
import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { problemPlugin } from "holdfast/adapters/fastify";

const ports: Record<string, number> = {};
for (const name of ["bare", "holdfast"]) {
  const app = fastify();
  if (name === "holdfast") await app.register(problemPlugin);
  app.get("/works", async () => ({ hello: "world" }));
  app.get("/fails", async () => {
    throw new Error("refused");
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  ports[name] = (app.server.address() as AddressInfo).port;
}
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on("disconnect", () => process.exit(0));
process.send?.(ports);
