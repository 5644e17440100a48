import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findScenario } from "../drill/find-scenario.ts";
import { readScenario } from "../drill/read-scenario.ts";
import { serviceStage } from "../drill/service/service-stage.ts";
import {
  serviceAgain,
  serviceDrillOptions,
  serviceOf,
  withService,
  type ServiceDrillValues,
} from "./service-drill-options.ts";

const none: ServiceDrillValues = {
  service: undefined,
  dependency: undefined,
  through: undefined,
  rate: undefined,
  expect: undefined,
  allowRemote: false,
};
const postgresql = serviceDrillOptions.dependency.read("postgresql=127.0.0.1:5432", "--dependency");
const line: ServiceDrillValues = {
  ...none,
  service: "http://127.0.0.1:8080/orders",
  dependency: postgresql,
  through: 15_432,
};

function settings(options: ServiceDrillValues, name = "dependency-down") {
  const found = withService(name, findScenario(name), options);
  return { found, settings: serviceOf(found.scenario, found, options) };
}

describe("a drill of a service", () => {
  it("takes from the line where it is, and what it depends on", () => {
    const { found, settings: read } = settings({ ...line, rate: 20, expect: ["answeredRatio >= 0.5"] });
    expect(read).toMatchObject({
      method: "GET",
      through: 15_432,
      ratePerSecond: 20,
      dependency: { name: "postgresql", address: { host: "127.0.0.1", port: 5_432 } },
    });
    expect(read?.url.href).toBe("http://127.0.0.1:8080/orders");
    expect(found.scenario).toMatchObject({ name: "dependency-down", expect: ["answeredRatio >= 0.5"] });
    expect(serviceAgain({ ...line, rate: 20, expect: ["answeredRatio >= 0.5"] })).toBe(
      " --service http://127.0.0.1:8080/orders --dependency postgresql=127.0.0.1:5432 --through 15432 --rate 20" +
        " --expect 'answeredRatio >= 0.5'",
    );
  });

  it("leaves other drills alone, but for what they expect", () => {
    const { found, settings: read } = settings(none, "leader-kill");
    expect([read, found.scenario]).toEqual([undefined, findScenario("leader-kill").scenario]);
    expect(settings({ ...none, expect: ["worstGapMs < 9"] }, "leader-kill").found.scenario.expect).toEqual([
      "worstGapMs < 9",
    ]);
  });

  it("takes from a file what the line does not say, and names the place of what is wrong there", () => {
    const written = (service: string): string =>
      `name: own\nstage:\n  kind: service\n  service: ${service}\n  dependency: redis=127.0.0.1:6379\n  through: 16379\n`;
    const read = (service: string, options: ServiceDrillValues = none) => {
      const found = withService("own.yaml", readScenario(written(service), "own.yaml"), options);
      return serviceOf(found.scenario, found, options);
    };
    expect(read("http://[::1]:8080/")).toMatchObject({ through: 16_379, dependency: { name: "redis" } });
    expect(read("http://127.0.0.1:1/", { ...none, through: 7 })).toMatchObject({ through: 7 });
    expect(() => read("ftp://127.0.0.1/")).toThrow("own.yaml:4:12: stage.service must be a URL");
    expect(() => read("http://shop.example/")).toThrow("own.yaml:4:12: stage.service must be of this machine");
    expect(read("http://shop.example/", { ...none, allowRemote: true })?.url.host).toBe("shop.example");
  });

  it.each([
    [{ ...line, service: "http://10.0.0.7:8080/" }, "stage.service must be of this machine, unless --allow-remote"],
    [{ ...line, service: "http://user:secret@127.0.0.1/" }, "stage.service must be a URL"],
    [{ ...line, dependency: undefined }, "--service needs --dependency NAME=HOST:PORT"],
    [{ ...line, through: undefined }, "--service needs --through PORT"],
    [{ ...line, through: 5_432 }, "stage.through must be another port than the dependency's own"],
    [{ ...none, through: 5_432 }, "--through is of drills of a service: --service URL"],
    [{ ...none, rate: 5 }, "--rate is of drills of a service"],
    [{ ...none, allowRemote: true }, "--allow-remote is of drills of a service"],
  ])("is refused: %#", (options, message) => {
    expect(() => settings(options)).toThrow(message);
  });

  it("is refused beyond the bounds of its load, and of drills that are of something else", () => {
    expect(() => settings(line, "leader-kill")).toThrow("--service is of dependency-down, and of files");
    const found = withService("dependency-down", findScenario("dependency-down"), { ...line, rate: 1_000 });
    const long = { ...found.scenario, load: { ...found.scenario.load, forMs: 300_000 } };
    expect(() => serviceOf(long, found, line)).toThrow("load.rate must not come to more than 200000 calls");
  });

  it.each(["postgresql", "=127.0.0.1:1", "redis=127.0.0.1", "redis=127.0.0.1:0", "redis=127.0.0.1:70000"])(
    "knows no dependency in %s",
    (text) => {
      expect(() => serviceDrillOptions.dependency.read(text, "--dependency")).toThrow(
        "--dependency must be a URL like",
      );
    },
  );

  it("is written in a file as docs/drills.md has it", () => {
    const page = readFileSync(new URL("../../../../docs/drills.md", import.meta.url), "utf8");
    const [, written = ""] = /\n## A service of your own\n.*?```yaml\n(.*?)```/s.exec(page) ?? [];
    const found = withService("slow-stock.yaml", readScenario(written, "slow-stock.yaml"), none);
    const read = serviceOf(found.scenario, found, none);
    expect(read).toMatchObject({ method: "POST", body: '{"item":1}', through: 16_379, ratePerSecond: 100 });
    const stage = serviceStage({ settings: read!, seed: 1 });
    expect(found.scenario.faults).toHaveLength(2);
    for (const [at, fault] of found.scenario.faults.entries()) stage.checkFault(fault, `faults[${at}]`);
  });

  it("knows no rule in what is none", () => {
    expect(() => serviceDrillOptions.expect.read("p99Ms<<5", "--expect")).toThrow("--expect must be rules like");
    expect(serviceDrillOptions.expect.read("a<1, b", "--expect")).toEqual(["a<1", "b"]);
  });
});
