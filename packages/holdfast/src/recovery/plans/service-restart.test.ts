import { createMemoryMember } from "../../coordination/index.ts";
import { describe, expect, it } from "vitest";
import { combinedServices } from "./combined-services.ts";
import type { RestartRequest, ServiceControl, ServiceStatus } from "./service-control.ts";
import { serviceRestart } from "./service-restart.ts";
import { OrchestratorScene } from "./testing/orchestrator-scene.ts";
import { stepContext } from "./testing/step-context.ts";

/** Somebody who runs a service, and counts its lives. */
class Counted implements ServiceControl {
  lives = 1;
  state: ServiceStatus["state"] = "ready";
  readonly requests: RestartRequest[] = [];
  /** What a new life begins with. */
  begins: ServiceStatus["state"] = "ready";

  async restart(_: string, request: RestartRequest = {}): Promise<ServiceStatus> {
    this.requests.push(request);
    this.lives++;
    this.state = this.begins;
    return await this.status();
  }

  async status(): Promise<ServiceStatus> {
    return { state: this.state, instance: `life ${this.lives}`, detail: "as told" };
  }

  refuses(service: string): string | undefined {
    return service === "api" ? undefined : "must be one of api";
  }
}

function bound(control: Counted): ServiceControl {
  return { restart: (service, request) => control.restart(service, request), status: () => control.status() };
}

describe("a restart of a service", () => {
  it("gives both lives, and the executor what tells restarts apart", async () => {
    const services = new Counted();
    const { run } = serviceRestart({ services, coordination: createMemoryMember() });
    const context = stepContext({ service: "api" }, { fencingToken: 7 });
    expect(await run(context)).toEqual({ service: "api", instance: "life 2", previous: "life 1" });
    expect(services.requests).toMatchObject([{ idempotencyKey: "e/s", fencingToken: 7 }]);
  });

  it("is not done again by who takes over when it was done, recorded or not", async () => {
    const services = new Counted();
    const coordination = createMemoryMember();
    const { run } = serviceRestart({ services, coordination });
    const context = stepContext({ service: "api" });
    await run(context);
    // The first one died before it could say so: the next one sees the mark, and another life.
    expect(await run({ ...context, fencingToken: 2 })).toEqual({
      service: "api",
      instance: "life 2",
      previous: "life 1",
    });
    expect(services.lives).toBe(2);
    await run({ ...context, executionId: "another" });
    expect(services.lives).toBe(3);
  });

  it("is done by who takes over when only the mark was put down", async () => {
    const services = new Counted();
    const coordination = createMemoryMember();
    const dies: ServiceControl = { status: () => services.status(), restart: () => Promise.reject(new Error("died")) };
    const context = stepContext({ service: "api" });
    await expect(serviceRestart({ services: dies, coordination }).run(context)).rejects.toThrow("died");
    expect(services.lives).toBe(1);
    await serviceRestart({ services, coordination }).run(context);
    expect(services.lives).toBe(2);
  });

  it("waits for a new life that has begun already, and begins another when that fails", async () => {
    for (const ends of ["ready", "failed"] as const) {
      const scene = new OrchestratorScene();
      const services = new Counted();
      services.begins = "starting";
      const { run } = serviceRestart({ services, coordination: scene.member, clock: scene.clock });
      const context = stepContext({ service: "api" });
      await expect(run(context)).rejects.toMatchObject({ message: "it is starting: as told", retryable: true });
      services.begins = "ready";
      const again = Promise.resolve(run(context));
      await scene.clock.advance(1_000);
      services.state = ends;
      expect(await scene.until(again)).toMatchObject({ instance: ends === "ready" ? "life 2" : "life 3" });
      await scene.close();
    }
  });

  it("is done by whoever has the service", async () => {
    const [api, db] = [new Counted(), new Counted()];
    const both = combinedServices([
      api,
      { ...bound(db), refuses: (service) => (service === "db" ? undefined : "must be db") },
    ]);
    await both.restart("db");
    expect([api.lives, db.lives, both.refuses!("api"), both.refuses!("db")]).toEqual([1, 2, undefined, undefined]);
    expect(both.refuses!("web")).toBe("must be one of api, or must be db");
    expect(() => both.status("web")).toThrow("must be one of api, or must be db");
    expect(() => combinedServices([bound(db)])).toThrow("must be controls that refuse what is not theirs");
  });

  it("is refused for what nobody runs here when the plan is registered, and left to others", () => {
    const scene = new OrchestratorScene();
    const one = scene.orchestrator("one", {
      executors: [serviceRestart({ services: new Counted(), coordination: scene.member })],
    });
    const step = { id: "s", type: "service-restart", parameters: { service: "db" } };
    expect(() => one.register({ id: "p", steps: [step] })).toThrow(
      'steps[0].parameters.service: must be one of api (got "db")',
    );
    return scene.close();
  });
});
