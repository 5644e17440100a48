/** A small service of one's own in the simulator: a bug that only a crash shows, found by a seed and gone after the fix. */
import { simulate, type Connection, type Runtime, type SimulationResult } from "holdfast/runtime";

/** Counts the bytes it gets, over TCP and in a file, and answers each with a byte once it is counted. */
async function countingService({ disk, network }: Runtime, syncs: boolean): Promise<void> {
  const file = await disk.open("/count", { create: true });
  await disk.syncDirectory("/");
  let count = Number(new TextDecoder().decode(await file.read(0, 16)));
  let work = Promise.resolve();

  async function countOne(connection: Connection): Promise<void> {
    count++;
    await file.write(0, [new TextEncoder().encode(String(count).padStart(16, "0"))]);
    if (syncs) await file.sync();
    connection.write(Uint8Array.of(1));
  }

  await network.listen({ host: "counter", port: 80 }, (connection) => {
    connection.handle({
      onData: (bytes) => void (work = bytes.reduce((before) => before.then(() => countOne(connection)), work)),
      onClose: () => undefined,
    });
  });
}

interface Outcome {
  readonly answered: number;
  readonly counted: number;
}

/** Clients count while the machine loses its power, twice; then what was answered is compared with what is left. */
function run(seed: number, syncs: boolean): Promise<SimulationResult<Outcome>> {
  return simulate({ seed }, async (world) => {
    const counter = world.process("counter");
    const start = (): void => counter.start((runtime) => countingService(runtime, syncs));
    let answered = 0;
    world.process("client").start(async ({ clock, network }) => {
      for (;;) {
        try {
          const connection = await network.connect({ host: "counter", port: 80 }, { timeoutMs: 50 });
          await new Promise<void>((resolve) => {
            connection.handle({
              onData: (bytes) => {
                answered += bytes.length;
                connection.write(Uint8Array.of(1));
              },
              onClose: () => resolve(),
            });
            connection.write(Uint8Array.of(1));
          });
        } catch {
          // Nobody listens while the machine is off.
        }
        await clock.sleep(10);
      }
    });
    for (let crashes = 0; crashes < 2; crashes++) {
      start();
      await world.clock.sleep(100 + world.random.next() * 100);
      counter.crash();
    }
    const content = counter.disk.content("/count", "durable") ?? new Uint8Array(0);
    return { answered, counted: Number(new TextDecoder().decode(content)) };
  });
}

const seeds = Array.from({ length: 20 }, (_, at) => at + 1);

let found: SimulationResult<Outcome> | undefined;
for (const seed of seeds) {
  const result = await run(seed, false);
  if (result.value.counted >= result.value.answered) continue;
  found = result;
  break;
}
if (found === undefined) throw new Error("no seed shows the bug");
const { answered, counted } = found.value;
console.log(`without a sync, seed ${found.seed} loses counts: ${answered} answered, ${counted} left after the crash`);

const again = await run(found.seed, false);
console.log(`the same seed again: ${again.value.answered} answered, ${again.value.counted} left, the same trace:`);
console.log(`  ${found.traceHash} and ${again.traceHash}`);
if (again.traceHash !== found.traceHash) throw new Error("two runs of one seed differ");

for (const seed of seeds) {
  const { value } = await run(seed, true);
  if (value.counted < value.answered) throw new Error(`seed ${seed}: ${JSON.stringify(value)}`);
  if (value.answered === 0) throw new Error(`seed ${seed} answered nothing`);
}
console.log(`ok: with a sync before each answer, ${seeds.length} seeds lose nothing`);
