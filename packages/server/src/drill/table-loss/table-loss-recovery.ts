import { createMemoryMember, type Member } from "holdfast/coordination";
import {
  configurationUpdate,
  createOrchestrator,
  customExecutor,
  dataValidation,
  type ExecutionReport,
  type Orchestrator,
  type Plan,
} from "holdfast/recovery";
import { postgresqlPointInTime } from "holdfast/adapters/postgresql";
import type { BankServer } from "./bank-server.ts";
import { settingKeys } from "./bank-settings.ts";

export interface TableLossRecoveryOptions {
  readonly bank: BankServer;
  readonly store: Member;
  readonly recoveredPort: number;
  readonly plan: Plan;
  readonly writesStopped: (signal: AbortSignal) => Promise<void>;
  /** With each step that has completed. */
  readonly onStep: (step: string) => void;
}

export interface TableLossRecovery {
  /** Once for each table that is lost, whoever notices it how often. */
  recover(relation: string): Promise<ExecutionReport>;
  close(): Promise<void>;
}

/** What is restored is sound before anybody uses it. */
const sound = (totalCents: number): string =>
  `select (select sum(cents)::bigint = ${totalCents} from accounts)
      and not exists (
        select 1 from accounts a
         where a.cents <> $1::bigint
             + coalesce((select sum(cents) from ledger where target = a.id), 0)
             - coalesce((select sum(cents) from ledger where source = a.id), 0)
      )`;

/** Stop writes, go back to just before the table was dropped, validate, move everybody there, resume. */
export function tableLossPlan(totalCents: number, initialCents: number): Plan {
  const update = (id: string, after: string, key: string, value: string): Plan["steps"][number] => ({
    id,
    type: "configuration-update",
    ...(after === "" ? {} : { dependsOn: [after] }),
    parameters: { key, value },
  });
  return {
    id: "table-loss",
    description: "a table is gone: back to the moment before it was dropped",
    parameters: { relation: { type: "text" }, port: { type: "number" } },
    timeout: "5m",
    steps: [
      update("stop-writes", "", settingKeys.mode, "read-only"),
      { id: "writes-stopped", type: "writes-stopped", dependsOn: ["stop-writes"], timeout: "30s" },
      {
        id: "restore",
        type: "point-in-time-restore",
        dependsOn: ["writes-stopped"],
        parameters: { dropOf: "${parameters.relation}", port: "${parameters.port}" },
        retry: { attempts: 2 },
      },
      {
        id: "validate",
        type: "data-validation",
        dependsOn: ["restore"],
        parameters: { sql: sound(totalCents), values: [initialCents], equals: true },
      },
      update("move", "validate", settingKeys.address, "${steps.restore.output.address}"),
      update("resume", "move", settingKeys.mode, "read-write"),
    ],
  };
}

export function tableLossRecovery(options: TableLossRecoveryOptions): TableLossRecovery {
  const { bank, store, recoveredPort, plan, onStep } = options;
  const { server, connect, programs, as, backups, archive, recovered } = bank;
  const orchestrator: Orchestrator = createOrchestrator({
    coordination: store,
    executors: [
      configurationUpdate({ coordination: store }),
      customExecutor("writes-stopped", ({ signal }) => options.writesStopped(signal), { changes: false }),
      postgresqlPointInTime({
        server,
        connect,
        programs,
        backups,
        archive,
        directory: recovered,
        settings: { listen_addresses: "127.0.0.1", unix_socket_directories: "" },
        ...(as === undefined ? {} : { as }),
      }),
      dataValidation({ databases: { recovered: lateConnection(bank, recoveredPort) } }),
    ],
    onEvent: (event) => {
      if (event.type === "stepCompleted") onStep(event.step);
    },
  });
  orchestrator.register(plan);
  return {
    async recover(relation) {
      const id = `table-loss-${relation.replaceAll("/", "-")}`;
      const parameters = { relation, port: recoveredPort };
      return await orchestrator.finished(await orchestrator.execute(plan.id, { id, parameters }));
    },
    close: () => orchestrator.close(),
  };
}

/** To a server that is not there yet. */
function lateConnection(
  { connect, server }: BankServer,
  port: number,
): { query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly object[] }> } {
  let open: ReturnType<BankServer["connect"]> | undefined;
  return {
    async query(text, values = []) {
      open ??= connect({ ...server, port, database: "postgres" });
      const client = await open.catch((error: unknown) => {
        open = undefined;
        throw error;
      });
      const answer = await client.query(text, [...values]);
      // A read-only transaction is over: nothing is left open for the end.
      if (text === "ROLLBACK") {
        open = undefined;
        await client.end();
      }
      return { rows: answer.rows as readonly object[] };
    },
  };
}

export function bankStore(): Member {
  return createMemoryMember({ name: "bank" });
}
