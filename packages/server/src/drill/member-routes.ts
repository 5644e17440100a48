import dgram from "node:dgram";
import net from "node:net";

/**
 * Loaded into a member of a drill's cluster before anything of its own: what it sends to the others goes through proxies,
 * though it and the others know each other by their real addresses. Imports nothing of Holdfast: what the member loads must
 * be what it always loads.
 */

/** Ports by `host:port`. */
interface Routes {
  readonly tcp: Readonly<Record<string, number>>;
  readonly udp: Readonly<Record<string, number>>;
}

interface Destination {
  readonly host?: string;
  readonly port?: number | string;
}

type Call = (this: unknown, ...args: unknown[]) => unknown;

const routes = JSON.parse(process.env["HOLDFAST_DRILL_ROUTES"] ?? '{"tcp":{},"udp":{}}') as Routes;

function rerouted(destination: Destination): Destination {
  const port = routes.tcp[`${destination.host ?? "localhost"}:${destination.port}`];
  return port === undefined ? destination : { ...destination, port };
}

const socket = net.Socket.prototype as unknown as { connect: Call };
const { connect } = socket;
socket.connect = function connectByRoute(...args) {
  const [first, ...rest] = args;
  // What `net.connect` was given, made a list of options and callback by Node itself.
  if (Array.isArray(first)) {
    const list = first as [Destination];
    list[0] = rerouted(list[0]);
    return connect.apply(this, args);
  }
  if (typeof first === "object" && first !== null) return connect.call(this, rerouted(first as Destination), ...rest);
  return connect.apply(this, args);
};

const datagrams = dgram.Socket.prototype as unknown as { send: Call };
const { send } = datagrams;
datagrams.send = function sendByRoute(...args) {
  // The port is followed by the host: `send(bytes, port, host)` or `send(bytes, offset, length, port, host)`.
  const at = args.findIndex((value, index) => index > 1 && typeof value === "string") - 1;
  const port = at < 1 ? undefined : routes.udp[`${String(args[at + 1])}:${String(args[at])}`];
  return send.apply(this, port === undefined ? args : args.with(at, port));
};
