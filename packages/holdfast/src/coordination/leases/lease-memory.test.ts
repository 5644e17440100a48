import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { createMemoryMember } from "../memory-member.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (code: string) => expect.objectContaining({ code });

describe("leases of a memory member", () => {
  it("answer as etcd does", async () => {
    const member = createMemoryMember({ clock: new VirtualClock() });
    expect(await member.leaseGrant({ id: 5n, ttlSeconds: 0 })).toMatchObject({ id: 5n, ttlSeconds: 2 });
    expect(await member.leaseGrant({ id: -3n, ttlSeconds: 50 })).toMatchObject({ id: -3n, ttlSeconds: 50 });
    await expect(member.leaseGrant({ id: 5n, ttlSeconds: 10 })).rejects.toEqual(code("LEASE_EXISTS"));
    await expect(member.leaseGrant({ id: 5n, ttlSeconds: 9_000_000_001 })).rejects.toEqual(code("LEASE_TTL_TOO_LARGE"));
    const put = await member.put({ key: bytes("a"), value: bytes("1"), lease: -3n });
    expect(await member.leaseTimeToLive({ id: -3n, keys: true })).toEqual({
      id: -3n,
      ttlSeconds: 49,
      grantedTtlSeconds: 50,
      keys: [bytes("a")],
      header: put.header,
    });
    expect((await member.leaseTimeToLive({ id: -3n })).keys).toEqual([]);
    expect(await member.leaseTimeToLive({ id: 0n })).toMatchObject({ id: 0n, ttlSeconds: -1, grantedTtlSeconds: 0 });
    expect((await member.leases()).leases).toEqual([5n, -3n]);
    expect(await member.leaseKeepAlive({ id: -3n })).toEqual({ id: -3n, ttlSeconds: 50, header: put.header });
    expect(await member.leaseKeepAlive({ id: 0n })).toMatchObject({ id: 0n, ttlSeconds: 0 });
    await expect(member.leaseRevoke({ id: 0n })).rejects.toEqual(code("LEASE_NOT_FOUND"));
    expect(await member.leaseRevoke({ id: -3n })).toEqual({ header: { ...put.header, revision: 3 } });
    await expect(member.leaseRevoke({ id: -3n })).rejects.toEqual(code("LEASE_NOT_FOUND"));
    expect((await member.range({ key: bytes("a") })).count).toBe(0);
    await member.close();
  });

  it("draw positive ids that are free", async () => {
    const draws = [0, 0, 0.5, 0.25, 0.5, 0.25, 0.75, 0];
    const member = createMemoryMember({ clock: new VirtualClock(), random: { next: () => draws.shift()! } });
    const first = await member.leaseGrant({ ttlSeconds: 10 });
    const second = await member.leaseGrant({ id: 0n, ttlSeconds: 10 });
    expect([first.id, second.id]).toEqual([(1n << 62n) | (1n << 30n), 3n << 61n]);
    expect(draws).toEqual([]);
    await member.close();
  });

  it("run out by the clock, and leave no timer behind", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock });
    const { id } = await member.leaseGrant({ ttlSeconds: 3 });
    await member.put({ key: bytes("a"), value: bytes("1"), lease: id });
    await clock.advance(2900);
    await member.leaseKeepAlive({ id });
    await clock.advance(2900);
    expect((await member.range({ key: bytes("a") })).count).toBe(1);
    await clock.advance(1100);
    expect((await member.range({ key: bytes("a") })).count).toBe(0);
    expect(await member.leases()).toMatchObject({ leases: [], header: { revision: 3 } });
    await clock.advance(500);
    expect(clock.pending).toBe(0);
    await member.leaseGrant({ ttlSeconds: 3 });
    expect(clock.pending).toBe(1);
    await member.close();
    expect(clock.pending).toBe(0);
  });

  it("are bounded", async () => {
    const member = createMemoryMember({ clock: new VirtualClock(), leases: { maxLeases: 1, minTtlSeconds: 5 } });
    expect(await member.leaseGrant({ id: 1n, ttlSeconds: 1 })).toMatchObject({ ttlSeconds: 5 });
    await expect(member.leaseGrant({ id: 2n, ttlSeconds: 1 })).rejects.toEqual(code("TOO_MANY_LEASES"));
    await member.leaseRevoke({ id: 1n });
    await member.leaseGrant({ id: 2n, ttlSeconds: 1 });
    await member.close();
  });

  it("are refused when they cannot be meant", async () => {
    const member = createMemoryMember();
    await expect(member.leaseGrant({ ttlSeconds: 1.5 })).rejects.toThrow(
      "leaseGrant.ttlSeconds must be a safe integer",
    );
    await expect(member.leaseGrant({ id: 1n << 63n, ttlSeconds: 5 })).rejects.toThrow("leaseGrant.id must be a signed");
    for (const method of ["leaseRevoke", "leaseKeepAlive", "leaseTimeToLive"] as const) {
      await expect(member[method]({ id: 1n << 63n })).rejects.toThrow("lease.id must be a signed 64-bit integer");
    }
    expect(member.status().appliedIndex).toBe(0);
  });
});
