import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { ServiceControl } from "../../recovery/index.ts";
import type { Clock } from "../../runtime/index.ts";
import { systemClock } from "../../runtime/system.ts";
import { inClusterAccess } from "./cluster-access.ts";
import { kubernetesServices } from "./kubernetes-services.ts";
import { rolloutOf, type Workload } from "./rollout.ts";

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

interface Asked {
  readonly line: string;
  readonly type: string | undefined;
  readonly token: string | undefined;
  readonly body: string;
}

/**
 * Speaks the part of the API that a rollout needs, of one Deployment with three pods: strategic merge patches of the pod
 * template, `generation` and `observedGeneration`, and a controller that replaces one pod each time somebody looks.
 */
class Api {
  readonly asked: Asked[] = [];
  generation = 4;
  annotations: Record<string, string> = {};
  paused = false;
  /** Pods of the present template; a rollout begins with none. */
  updated = 3;
  stuck = false;
  url = "";

  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        const body = Buffer.concat(chunks).toString("utf8");
        const { "content-type": type, authorization: token } = headers;
        this.asked.push({ line: `${method} ${url}`, type, token, body });
        const [status, document] = this.#answer(method, url, body, token);
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #answer(method: string, url: string, body: string, token: string | undefined): [number, object] {
    const failure = (code: number, message: string): [number, object] => [
      code,
      { kind: "Status", status: "Failure", code, message },
    ];
    if (token !== "Bearer t2") return failure(401, "Unauthorized");
    if (url !== "/apis/apps/v1/namespaces/shop/deployments/api") {
      return failure(404, 'deployments.apps "web" not found');
    }
    if (method === "PATCH") {
      const patch = JSON.parse(body) as { spec: { template: { metadata: { annotations: Record<string, string> } } } };
      Object.assign(this.annotations, patch.spec.template.metadata.annotations);
      this.generation++;
      this.updated = -1;
      return [200, this.document()];
    }
    const document = this.document();
    if (this.updated < 3 && !this.stuck) this.updated++;
    return [200, document];
  }

  document(): Workload {
    const seen = this.updated >= 0;
    const updatedReplicas = seen ? this.updated : 3;
    return {
      kind: "Deployment",
      metadata: { generation: this.generation },
      spec: { replicas: 3, paused: this.paused, template: { metadata: { annotations: { ...this.annotations } } } },
      status: {
        observedGeneration: seen ? this.generation : this.generation - 1,
        // One more while an old one ends.
        replicas: updatedReplicas < 3 ? 4 : 3,
        updatedReplicas,
        availableReplicas: 3,
        conditions: this.stuck
          ? [{ type: "Progressing", reason: "ProgressDeadlineExceeded", message: 'ReplicaSet "api-2" has timed out' }]
          : [{ type: "Available", reason: "MinimumReplicasAvailable" }],
      },
    };
  }
}

/** Waits take no time: how long a rollout takes is the server's affair. */
const hasty: Clock = { ...systemClock, sleep: (_, options) => systemClock.sleep(0, options) };

async function scene(): Promise<{
  readonly api: Api;
  readonly services: ServiceControl;
  readonly patches: () => Asked[];
}> {
  const api = new Api();
  await api.listen();
  let reads = 0;
  const services = kubernetesServices({
    // Tokens are renewed: what was read before is worth nothing.
    access: { url: api.url, token: () => (++reads > 0 ? "t2" : "t1") },
    namespace: "shop",
    workloads: ["deployment/api", "deployment/web"],
    clock: hasty,
  });
  return { api, services, patches: () => api.asked.filter(({ line }) => line.startsWith("PATCH")) };
}

describe("workloads of Kubernetes", () => {
  it("are rolled out anew by an annotation, and ready when all pods are new", async () => {
    const { api, services, patches } = await scene();
    expect(await services.status("deployment/api")).toEqual({ state: "ready", detail: "3 new and 3 available of 3" });
    const ended = await services.restart("deployment/api", { idempotencyKey: "e/s" });
    expect(ended).toEqual({ state: "ready", instance: "e/s", detail: "3 new and 3 available of 3" });
    expect(patches()).toMatchObject([
      { type: "application/strategic-merge-patch+json", line: expect.stringContaining("/deployments/api") },
    ]);
    expect(JSON.parse(patches()[0]!.body)).toEqual({
      spec: {
        template: {
          metadata: {
            annotations: {
              "kubectl.kubernetes.io/restartedAt": expect.stringMatching(/^\d{4}-.*Z$/),
              "holdfast/restart-key": "e/s",
            },
          },
        },
      },
    });
    // Not seen yet, none new, one, two, three.
    expect(api.asked.filter(({ line }) => line.startsWith("GET"))).toHaveLength(7);
  });

  it("are restarted once by restarts with one key", async () => {
    const { api, services, patches } = await scene();
    const controller = new AbortController();
    const left = services.restart("deployment/api", { idempotencyKey: "e/s", signal: controller.signal });
    while (patches().length === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("enough"));
    await expect(left).rejects.toThrow("enough");
    expect(await services.restart("deployment/api", { idempotencyKey: "e/s" })).toMatchObject({ state: "ready" });
    expect([patches().length, api.generation]).toEqual([1, 5]);
    await services.restart("deployment/api", { idempotencyKey: "e/t" });
    expect(patches()).toHaveLength(2);
  });

  it("tell of a rollout that failed, and of what hinders one", async () => {
    const { api, services, patches } = await scene();
    api.stuck = true;
    api.updated = 1;
    api.annotations["holdfast/restart-key"] = "e/s";
    expect(await services.restart("deployment/api", { idempotencyKey: "e/s" })).toMatchObject({
      state: "failed",
      detail: 'ReplicaSet "api-2" has timed out',
    });
    api.paused = true;
    await expect(services.restart("deployment/api", {})).rejects.toMatchObject({
      message: "it is paused",
      retryable: false,
    });
    expect(patches()).toEqual([]);
  });

  it("say what the API says", async () => {
    const { api, services } = await scene();
    await expect(services.restart("deployment/web")).rejects.toMatchObject({
      message: 'the API answered 404: deployments.apps "web" not found',
      retryable: false,
      stepErrorKind: "configuration",
    });
    const stranger = kubernetesServices({ access: { url: api.url }, namespace: "shop", workloads: ["deployment/api"] });
    await expect(stranger.status("deployment/api")).rejects.toThrow("the API answered 401: Unauthorized");
    expect(services.refuses!("deployment/db")).toBe("must be one of deployment/api, deployment/web");
    await expect(services.status("deployment/db")).rejects.toThrow("must be one of deployment/api, deployment/web");
  });

  const template = { metadata: {} };
  it.each<[string, Workload, string]>([
    [
      "a set whose pods are all new",
      {
        kind: "StatefulSet",
        metadata: { generation: 2 },
        spec: { replicas: 2, template },
        status: {
          observedGeneration: 2,
          replicas: 2,
          updatedReplicas: 2,
          readyReplicas: 2,
          currentRevision: "b",
          updateRevision: "b",
        },
      },
      "ready",
    ],
    [
      "a set with an old pod",
      {
        kind: "StatefulSet",
        metadata: { generation: 2 },
        spec: { replicas: 2, template },
        status: {
          observedGeneration: 2,
          replicas: 2,
          updatedReplicas: 2,
          readyReplicas: 2,
          currentRevision: "a",
          updateRevision: "b",
        },
      },
      "starting",
    ],
    [
      "a set with a partition",
      {
        kind: "StatefulSet",
        metadata: { generation: 2 },
        spec: { replicas: 3, template, updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } },
        status: {
          observedGeneration: 2,
          replicas: 3,
          updatedReplicas: 1,
          readyReplicas: 3,
          currentRevision: "a",
          updateRevision: "b",
        },
      },
      "ready",
    ],
    [
      "a daemon that a node lacks",
      {
        kind: "DaemonSet",
        metadata: { generation: 2 },
        spec: { template },
        status: { observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 },
      },
      "starting",
    ],
    [
      "a deployment of nobody",
      {
        kind: "Deployment",
        metadata: { generation: 1 },
        spec: { replicas: 0, template },
        status: { observedGeneration: 1 },
      },
      "stopped",
    ],
  ])("%s", (_, workload, state) => {
    expect(rolloutOf(workload).state).toBe(state);
  });

  it.each(["api", "pod/api", "deployment/Api", "deployment/../secrets", "deployment/a/b"])("%j is none", (workload) => {
    const access = { url: "https://127.0.0.1:6443" };
    expect(() => kubernetesServices({ access, workloads: [workload] })).toThrow("workloads must be KIND/NAME");
  });

  it("are reached from a pod by its service account, and from nowhere else", () => {
    expect(() => inClusterAccess()).toThrow("KUBERNETES_SERVICE_HOST must be set, as it is in a pod");
  });
});
