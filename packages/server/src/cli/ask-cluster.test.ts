import { expect, it } from "vitest";
import { CoordinationError } from "holdfast/coordination";
import { UnreachableError } from "../client/gateway-error.ts";
import { explainClientError } from "./ask-cluster.ts";

function caused(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

it.each([
  [caused("connect ECONNREFUSED", "ECONNREFUSED"), "connection refused", "Start a cluster"],
  [caused("getaddrinfo", "ENOTFOUND"), "host not found", "Start a cluster"],
  [caused("no answer within 2000 ms"), "no answer within 2000 ms", "whether a majority is alive"],
  [caused("etcdserver: no leader", "NO_LEADER"), "etcdserver: no leader", "whether a majority is alive"],
  [caused("error:0A00010B:SSL routines::wrong version number:tls.c", "EPROTO"), "does not speak TLS", "http://"],
  [caused("socket hang up", "ECONNRESET"), "connection reset", "https://"],
  [caused("certificate has expired", "CERT_HAS_EXPIRED"), "certificate has expired", "--cert-file"],
  [caused("not in the list", "ERR_TLS_CERT_ALTNAME_INVALID"), "not in the list", "a name or address"],
  [caused("self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"), "self-signed", "--cacert FILE"],
])("says what to do about %s", (cause, what, advice) => {
  const explained = explainClientError(new UnreachableError(new Map([["http://127.0.0.1:2379", cause]])));
  const [first, second] = (explained as Error).message.split("\n");
  expect(first).toBe(`no member could answer: http://127.0.0.1:2379 (${what})`);
  expect(second).toContain(advice);
});

it.each([
  ["NO_SPACE", "holdfast alarm disarm"],
  ["USER_EMPTY", "--user NAME"],
] as const)("says what to do about %s", (code, advice) => {
  const { message } = explainClientError(new CoordinationError(code)) as Error;
  expect(message.split("\n")[1]).toContain(advice);
});
