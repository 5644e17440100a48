import { spawnSync } from "node:child_process";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classify } from "holdfast/errors";

/**
 * A program for a network of its own (`unshare --net --mount`), which it spoils: it meets the kernel's errors one after
 * the other, and prints each as a line of JSON with the row of the table it is meant for.
 */
const cases: Readonly<Record<string, () => Promise<unknown>>> = {
  async EHOSTUNREACH() {
    run("ip", "route", "add", "unreachable", "10.9.9.0/24");
    return failed(connect(9, "10.9.9.1"));
  },
  // The administrator ends a connection from outside.
  async ECONNABORTED() {
    const { server, port } = await listening();
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const failing = failed(socket);
    run("ss", "--kill", "dst", "127.0.0.1", "dport", "=", String(port));
    const error = await failing;
    server.close();
    return error;
  },
  // No name server can be reached: only the loopback is there.
  async EAI_AGAIN() {
    return lookup("name.example").catch((error: unknown) => error);
  },
  // One port for connections that go out, and it is taken.
  async "EADDRNOTAVAIL connect"() {
    writeFileSync("/proc/sys/net/ipv4/ip_local_port_range", "50000 50000");
    const { server, port } = await listening(40_000);
    const first = connect(port, "127.0.0.1");
    await once(first, "connect");
    const error = await failed(connect(port, "127.0.0.1"));
    first.destroy();
    server.close();
    writeFileSync("/proc/sys/net/ipv4/ip_local_port_range", "50000 60000");
    return error;
  },
  // A router says by ICMP that it knows no such host.
  async EHOSTDOWN() {
    const [peer, socket] = await Promise.all([udp(), udp()]);
    socket.connect(peer.address().port, "127.0.0.1");
    await once(socket, "connect");
    run("perl", "-e", hostUnknown, String(socket.address().port), String(peer.address().port));
    const error = await new Promise((resolve) => socket.send("x", resolve));
    socket.close();
    peer.close();
    return error;
  },
  // Whatever is sent is dropped from here on, and the kernel gives up after its first repetition.
  async ETIMEDOUT() {
    writeFileSync("/proc/sys/net/ipv4/tcp_retries2", "1");
    const { server, port } = await listening();
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    run("tc", "qdisc", "add", "dev", "lo", "root", "pfifo", "limit", "0");
    const failing = failed(socket);
    socket.write("x");
    const error = await failing;
    server.close();
    return error;
  },
};

/** ICMP destination unreachable, host unknown (RFC 792; RFC 1122, 3.2.2.1), about a datagram between these two ports. */
const hostUnknown = `
  use Socket;
  my $host = inet_aton("127.0.0.1");
  my $sent = pack("CCnnnCCna4a4nnnn", 0x45, 0, 29, 0, 0, 64, 17, 0, $host, $host, @ARGV, 9, 0);
  my $icmp = pack("CCnN", 3, 7, 0, 0) . $sent;
  my $sum = 0;
  $sum += $_ for unpack("n*", $icmp);
  $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
  substr($icmp, 2, 2) = pack("n", ~$sum & 0xffff);
  socket(my $raw, PF_INET, SOCK_RAW, 1) or die "$!";
  send($raw, $icmp, 0, sockaddr_in(0, $host)) or die "$!";`;

async function listening(port = 0): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.on("error", () => {}));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

async function udp(): Promise<UdpSocket> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

function failed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once("error", resolve));
}

function run(program: string, ...args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.slice(0, 4).join(" ")}: ${error?.message ?? stderr.trim()}`);
}

/** Names are asked of name servers alone, and not of a resolver of this machine that is reached in another way. */
function askNameServersAlone(): void {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-names-"));
  for (const [path, text] of [
    ["/etc/nsswitch.conf", "hosts: files dns\n"],
    ["/etc/resolv.conf", "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n"],
  ] as const) {
    if (!existsSync(path)) continue;
    const own = join(directory, path.slice("/etc/".length));
    writeFileSync(own, text);
    run("mount", "--bind", own, path);
  }
  rmSync(directory, { recursive: true });
}

run("ip", "link", "set", "lo", "up");
askNameServersAlone();
for (const [row, meet] of Object.entries(cases)) {
  console.log(JSON.stringify({ row, failure: classify(await meet()) }));
}
process.exit();
