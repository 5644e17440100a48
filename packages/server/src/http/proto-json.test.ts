import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { toPutRequest, toRangeRequest, toTxnRequest } from "../etcd/requests.ts";
import { fromBigInt } from "holdfast/adapters/etcd-protocol";
import { wireType } from "../etcd/wire-type.ts";
import { parseJson } from "./json-integer.ts";
import { fromJson, toJson } from "./proto-json.ts";

const range = (text: string) => toRangeRequest(fromJson("RangeRequest", parseJson(text)));
const put = (text: string) => toPutRequest(fromJson("PutRequest", parseJson(text)));

describe("reading JSON", () => {
  it.each([
    ["keys in base64", '{"key":"Zm9v"}', { key: Buffer.from("foo") }],
    ["line ends inside base64", '{"key":"Zm\\n9v"}', { key: Buffer.from("foo") }],
    ["an integer as a string", '{"limit":"7"}', { limit: 7 }],
    ["an integer as a number", '{"limit":7}', { limit: 7 }],
    ["a name in lowerCamel", '{"keysOnly":true}', { keysOnly: true }],
    ["a name as in the schema", '{"keys_only":true}', { keysOnly: true }],
    ["lowerCamel before the schema's name", '{"keys_only":true,"keysOnly":false}', { keysOnly: false }],
    ["an enumeration by name", '{"sort_order":"DESCEND"}', { sortOrder: "descend" }],
    ["an enumeration by number", '{"sort_order":2}', { sortOrder: "descend" }],
    ["null as zero", '{"limit":null,"key":null}', { limit: 0 }],
    ["a document that is null", "null", { limit: 0 }],
    ["unknown fields by ignoring them", '{"bogus":{"a":[1]},"KEYS_ONLY":true}', { keysOnly: false }],
    ["a negative limit as none", '{"limit":-1}', { limit: 0 }],
  ])("accepts %s", (_name, text, expected) => expect(range(text)).toMatchObject(expected));

  it.each([
    ['{"key":"Zm9"}', "key must be base64: illegal base64 data at input byte 0"],
    ['{"key":"Zm9vZg"}', "key must be base64: illegal base64 data at input byte 4"],
    ['{"key":"Z-_v"}', "key must be base64: illegal base64 data at input byte 1"],
    ['{"key":"Zg==Zg=="}', "key must be base64: illegal base64 data at input byte 3"],
    ['{"key":5}', "key must be base64 (got 5)"],
    ['{"limit":1.5}', "limit must be a whole number that fits int64 (got 1.5)"],
    ['{"limit":"x"}', 'limit must be a whole number that fits int64 (got "x")'],
    ['{"limit":""}', 'limit must be a whole number that fits int64 (got "")'],
    ['{"limit":99999999999999999999}', "limit must be a whole number that fits int64"],
    ['{"keysOnly":"true"}', 'keys_only must be true or false (got "true")'],
    ['{"sort_order":"descend"}', 'sort_order must be one of NONE, ASCEND, DESCEND (got "descend")'],
    ["[]", "the request must be a JSON object (got [])"],
    ["5", "the request must be a JSON object (got 5)"],
  ])("refuses %s", (text, message) => expect(() => range(text)).toThrow(message));

  it("names the place of what is wrong inside", () => {
    const text = '{"success":[{},{"request_put":{"key":"YQ==","lease":true}}]}';
    expect(() => fromJson("TxnRequest", parseJson(text))).toThrow(
      "success[1].request_put.lease must be a whole number",
    );
    expect(() => fromJson("TxnRequest", parseJson('{"success":{}}'))).toThrow("success must be an array (got {})");
  });

  it("refuses a document that is nested too deeply", () => {
    const text = `${'{"success":[{"requestTxn":'.repeat(1000)}{}${"}]}".repeat(1000)}`;
    expect(() => fromJson("TxnRequest", parseJson(text))).toThrow("nested at most 300 deep");
  });

  it("refuses enumerations out of range as etcd's newer releases do", () => {
    expect(() => range('{"sort_target":9}')).toThrow("invalid sort option");
    expect(() => toTxnRequest(fromJson("TxnRequest", { compare: [{ target: 9 }] }), 128)).toThrow(
      "unknown target (got 9)",
    );
  });

  it("loses no digit of a lease, as a string or as a number", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (lease) => {
        expect(put(`{"lease":${lease}}`).lease).toBe(lease);
        expect(put(`{"lease":"${lease}"}`).lease).toBe(lease);
      }),
    );
  });

  it("reads any bytes back from base64", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = `{"key":"${Buffer.from(bytes).toString("base64")}"}`;
        expect(Buffer.from(put(text).key)).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

describe("writing JSON", () => {
  it("writes a range as etcd does", () => {
    const header = { cluster_id: fromBigInt(14301398113967654015n), member_id: fromBigInt(5662688015068518467n) };
    const message = {
      header: { ...header, revision: 3, raft_term: 2 },
      kvs: [{ key: Buffer.from("foo"), create_revision: 2, mod_revision: 3, version: 2, value: Buffer.from("bar") }],
      more: undefined,
      count: 1,
    };
    expect(toJson("RangeResponse", message)).toBe(
      '{"header":{"cluster_id":"14301398113967654015","member_id":"5662688015068518467","revision":"3","raft_term":"2"},' +
        '"kvs":[{"key":"Zm9v","create_revision":"2","mod_revision":"3","version":"2","value":"YmFy"}],"count":"1"}',
    );
  });

  it.each([
    ["zero fields", "KeyValue", { key: new Uint8Array(0), version: 0, lease: fromBigInt(0n) }, "{}"],
    ["a nested message that is empty", "TxnResponse", { header: {}, succeeded: false, responses: [] }, '{"header":{}}'],
    ["negative ids", "KeyValue", { lease: fromBigInt(-1n) }, '{"lease":"-1"}'],
    ["names of enumerations", "AlarmMember", { alarm: 1 }, '{"alarm":"NOSPACE"}'],
    ["a list with an empty string", "Member", { peerURLs: ["", "a"] }, '{"peerURLs":["","a"]}'],
    ["quotes in names", "Member", { name: 'a"b' }, '{"name":"a\\"b"}'],
  ] as const)("writes %s", (_name, type, message, text) => expect(toJson(type, message)).toBe(text));

  it("agrees with the binary encoding", () => {
    const lease = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(fromBigInt);
    const pair = fc.record({ key: fc.uint8Array(), value: fc.uint8Array(), version: fc.nat(), lease });
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 4 }), fc.nat(), (kvs, count) => {
        const type = wireType("RangeResponse");
        const viaBinary = toJson("RangeResponse", type.decode(type.encode({ kvs, count })));
        expect(viaBinary).toBe(
          toJson("RangeResponse", fromJson("RangeResponse", JSON.parse(toJson("RangeResponse", { kvs, count })))),
        );
        expect(viaBinary).toBe(toJson("RangeResponse", { kvs, count }));
      }),
    );
  });
});
