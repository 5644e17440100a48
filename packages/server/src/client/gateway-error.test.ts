import { expect, it } from "vitest";
import { decodeGatewayError } from "./gateway-error.ts";

it.each([
  [503, '{"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14}', "NO_LEADER"],
  [503, '{"message":"etcdserver: request timed out","code":14}', "TIMED_OUT"],
  [503, '{"message":"etcdserver: request timed out, possibly due to previous leader failure","code":14}', "TIMED_OUT"],
  [503, '{"message":"etcdserver: leader changed","code":14}', "TIMED_OUT"],
  [400, '{"error":"etcdserver: mvcc: required revision has been compacted","code":11}', "COMPACTED"],
  [500, '{"message":"holdfast: internal error: x","code":13}', "GATEWAY"],
  [502, "<html>bad gateway</html>", "GATEWAY"],
])("%d %s is %s", (status, body, code) => {
  expect(decodeGatewayError(status, body).code).toBe(code);
});
