import { connect } from "node:net";
import type { Address } from "../../../runtime/index.ts";

export interface RawAnswer {
  /** All bytes that have come, as Latin-1. */
  readonly text: string;
  /** How the other side ended: by FIN, by RST, or by refusing the connection. */
  readonly end: "fin" | "reset" | "refused";
}

/** Sends a request over a connection of its own, and reads whatever comes, to the end. */
export function rawExchange(address: Address, request: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(address.port, address.host);
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (text += chunk));
    socket.on("end", () => resolve({ text, end: "fin" }));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") resolve({ text, end: "reset" });
      else if (error.code === "ECONNREFUSED") resolve({ text, end: "refused" });
      else reject(error);
    });
    socket.on("connect", () => socket.write(request));
  });
}

export function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}
