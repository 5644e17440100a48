import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { isLocalHost, refuse } from "./request-guard.ts";

function ask(headers: IncomingMessage["headers"], options: { token?: string; isLocal?: boolean } = {}): unknown {
  const { token, isLocal = true } = options;
  return refuse({ headers } as IncomingMessage, { token, isLocal })?.code;
}

describe("a request is let in", () => {
  it.each([["localhost:8474"], ["127.0.0.1:8474"], ["127.9.9.9"], ["[::1]:8474"]])("when it is for %s", (host) => {
    expect(ask({ host })).toBeUndefined();
    expect(ask({ host, origin: `http://${host}` })).toBeUndefined();
  });

  it("with the token, where one is asked for", () => {
    expect(ask({ host: "localhost", authorization: "Bearer secret" }, { token: "secret" })).toBeUndefined();
    expect(ask({ host: "n1.example:1", authorization: "Bearer s" }, { token: "s", isLocal: false })).toBeUndefined();
  });
});

describe("a request is turned away", () => {
  it.each([["evil.example:8474"], ["localhost.evil.example"], ["127.0.0.1.evil.example"], [""], ["a b"], ["10.0.0.1"]])(
    "when a name like %o means this machine",
    (host) => {
      expect(ask({ host })).toBe("FORBIDDEN");
      expect(ask({})).toBe("FORBIDDEN");
    },
  );

  it.each([["http://evil.example"], ["null"], ["https://localhost"], ["http://localhost:3000"]])(
    "when it comes from a page of %s",
    (origin) => {
      expect(ask({ host: "localhost", origin })).toBe("FORBIDDEN");
      expect(ask({ host: "localhost", origin, authorization: "Bearer s" }, { token: "s" })).toBe("FORBIDDEN");
    },
  );

  it.each([[undefined], ["Bearer secreT"], ["Bearer secret "], ["secret"], ["Basic secret"]])(
    "without the token: %o",
    (authorization) => {
      const headers = authorization === undefined ? {} : { authorization };
      expect(ask({ host: "localhost", ...headers }, { token: "secret" })).toBe("UNAUTHENTICATED");
    },
  );
});

it("knows which hosts are this machine alone", () => {
  const hosts = ["localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "127.evil.example", "10.0.0.1"];
  expect(hosts.filter(isLocalHost)).toEqual(["localhost", "127.0.0.1", "::1"]);
});
