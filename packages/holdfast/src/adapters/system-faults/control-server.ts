import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import type { ControlRequest } from "./control-place.ts";
import type { InnerFaults } from "./inner-faults.ts";

const maxLineLength = 64 * 1024;

/**
 * Listens for injectors at a socket in the file system. A fault lasts no longer than the connection over which it came: when
 * an injector dies, the system closes it. Does not keep the process alive.
 */
export function listenForFaults(path: string, faults: InnerFaults): void {
  let lastOwner = 0;
  const server = createServer((socket) => serve(socket, String(++lastOwner), faults));
  // Without a socket nothing can be injected, which is no reason to end.
  server.on("error", () => undefined);
  rmSync(path, { force: true });
  server.listen(path).unref();
  process.on("exit", () => rmSync(path, { force: true }));
}

function serve(socket: Socket, owner: string, faults: InnerFaults): void {
  socket.unref();
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    if (text.length > maxLineLength) socket.destroy();
    for (const line of lines) {
      try {
        socket.write(`${JSON.stringify(faults.answer(owner, JSON.parse(line) as ControlRequest))}\n`);
      } catch {
        socket.destroy();
      }
    }
  });
  socket.on("error", () => undefined);
  socket.on("close", () => faults.endAll(owner));
}
