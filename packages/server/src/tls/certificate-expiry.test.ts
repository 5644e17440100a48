import { VirtualClock } from "holdfast/testing";
import type { CertificateFact } from "holdfast/telemetry";
import { expect, it } from "vitest";
import { certificateExpiry, type CertificateLife } from "./certificate-expiry.ts";

const dayMs = 86_400_000;
const hourMs = dayMs / 24;

function watching(days: Partial<Record<CertificateLife["certificate"], number>>) {
  const clock = new VirtualClock();
  const said: string[] = [];
  const published: CertificateFact[] = [];
  const life = (certificate: CertificateLife["certificate"], daysLeft: number): CertificateLife => ({
    certificate,
    source: { option: `--${certificate}-file`, file: `${certificate}.crt` },
    validUntil: clock.wallTime() + daysLeft * dayMs,
  });
  const lives = Object.entries(days).map(([name, left]) => life(name as CertificateLife["certificate"], left));
  const expiry = certificateExpiry({
    clock,
    lives: () => lives,
    publish: (fact) => published.push(fact),
    say: (line) => said.push(line),
  });
  const told = () =>
    published
      .splice(0)
      .map((fact) =>
        fact.type === "certificateRenewed" ? `${fact.certificate} renewed` : `${fact.certificate} ${fact.daysLeft}`,
      );
  return { clock, said, told, lives, life, expiry };
}

it("tells with 30 days, 7 days and one day left, and when it is over, once each", async () => {
  const { clock, said, told, expiry } = watching({ client: 60.5, client_ca: 300 });
  const days: string[] = [];
  for (let day = 0; day < 70; day++) {
    await clock.advance(dayMs);
    for (const text of told()) days.push(`day ${day + 1}: ${text}`);
    if (day === 20) expect(expiry.degraded).toBeUndefined();
  }
  expect(days).toEqual(["day 31: client 30", "day 54: client 7", "day 60: client 1", "day 61: client 0"]);
  expect(said.map((line) => line.split(", ")[0])).toEqual([
    "--client-file: client.crt is valid for 30 days more",
    "--client-file: client.crt is valid for 7 days more",
    "--client-file: client.crt is valid for a day more",
    "--client-file: client.crt is not valid any more",
  ]);
  expect(expiry.degraded).toBe("--client-file: client.crt is not valid any more");
  expiry.close();
  expect(clock.pending).toBe(0);
});

it("says at once only how it is, of each by itself", () => {
  const { told, expiry } = watching({ client: 20, client_ca: 6.5, peer: 0.5, peer_ca: -3 });
  expect(told()).toEqual(["client 20", "client_ca 6", "peer 0", "peer_ca 0"]);
  expect(expiry.degraded?.split("; ")).toHaveLength(3);
  expiry.look();
  expect(told()).toEqual([]);
});

it("tells of another one, and of how long that is valid", async () => {
  const { clock, told, lives, life, expiry } = watching({ peer: 5 });
  expect(told()).toEqual(["peer 5"]);
  expect(expiry.degraded).toBeDefined();
  lives[0] = life("peer", 365);
  expiry.look();
  expect(told()).toEqual(["peer renewed"]);
  expect(expiry.degraded).toBeUndefined();
  lives[0] = life("peer", 3);
  expiry.look();
  expect(told()).toEqual(["peer renewed", "peer 3"]);
  await clock.advance(2 * dayMs);
  expect(told()).toEqual(["peer 1"]);
});

it("goes by the wall clock, which may jump, and looks every hour", async () => {
  const { clock, told } = watching({ client: 100 });
  clock.jumpWallTime(95 * dayMs);
  expect(told()).toEqual([]);
  await clock.advance(hourMs);
  expect(told()).toEqual(["client 4"]);
});
