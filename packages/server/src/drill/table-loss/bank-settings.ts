import type { Coordination } from "holdfast/coordination";

/** What the bank's clients obey, wherever they are: whether they may write, and to which server. */
export interface BankSettings {
  readonly mode: "read-write" | "read-only";
  readonly address: string;
}

export const settingKeys = { mode: "bank/mode", address: "bank/database" } as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export async function writeSettings(store: Pick<Coordination, "put">, settings: BankSettings): Promise<void> {
  for (const [name, key] of Object.entries(settingKeys)) {
    await store.put({ key: encoder.encode(key), value: encoder.encode(settings[name as keyof BankSettings]) });
  }
}

/** Tells of every change until it is closed; `onChange` hears of both at once. */
export async function followSettings(
  store: Pick<Coordination, "watch">,
  from: BankSettings,
  onChange: (settings: BankSettings) => void,
): Promise<() => Promise<void>> {
  let settings = from;
  const watcher = await store.watch({ key: encoder.encode("bank/"), rangeEnd: encoder.encode("bank0") });
  const following = (async () => {
    for await (const { events } of watcher) {
      for (const { pair } of events) {
        const name = Object.entries(settingKeys).find(([, key]) => key === decoder.decode(pair.key))?.[0];
        if (name !== undefined) settings = { ...settings, [name]: decoder.decode(pair.value) };
      }
      onChange(settings);
    }
  })();
  following.catch(() => undefined);
  return async () => {
    await watcher.close();
    await following;
  };
}
