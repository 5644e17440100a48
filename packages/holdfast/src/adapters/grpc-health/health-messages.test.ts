import protobuf from "protobufjs";
import { expect, it } from "vitest";
import { decodeStatuses, encodeStatuses, type ServingStatus } from "./health-messages.ts";

/** The protocol's own definition, as far as List needs it. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  package grpc.health.v1;
  message HealthCheckResponse {
    enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
    ServingStatus status = 1;
  }
  message HealthListResponse { map<string, HealthCheckResponse> statuses = 1; }
`);
const response = root.lookupType("grpc.health.v1.HealthListResponse");

const rows: readonly (readonly [string, ServingStatus][])[] = [
  [],
  [["", "SERVING"]],
  [
    ["", "NOT_SERVING"],
    ["shop.Orders", "UNKNOWN"],
    ["größe ✓", "SERVICE_UNKNOWN"],
    ["x".repeat(300), "SERVING"],
  ],
];

it.each(rows.map((row) => [row]))("the list %j is what the protocol's definition makes of it, both ways", (row) => {
  const statuses = Object.fromEntries(row.map(([name, status]) => [name, { status }]));
  const theirs = response.encode(response.fromObject({ statuses })).finish();
  expect([...decodeStatuses(Buffer.from(theirs))!]).toEqual(row);
  const ours = response.toObject(response.decode(encodeStatuses(new Map(row))), { enums: String, defaults: true });
  expect(ours).toEqual({ statuses });
});

it("an entry without key or value is the empty text, and unknown; nonsense is no list", () => {
  expect([...decodeStatuses(Buffer.from([0x0a, 0]))!]).toEqual([["", "UNKNOWN"]]);
  expect([...decodeStatuses(Buffer.from([0x0a, 2, 0x12, 0]))!]).toEqual([["", "UNKNOWN"]]);
  expect(decodeStatuses(Buffer.from([0x0a, 5, 1]))).toBeUndefined();
  expect(decodeStatuses(Buffer.from([0x0a, 2, 0x0a, 9]))).toBeUndefined();
  expect(decodeStatuses(Buffer.from([0x0a, 3, 0x12, 1, 0x0d]))).toBeUndefined();
});
