import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { returnFocusTo } from "../browser/focus-keeper.ts";
import type { DashboardRequests, KeyValue, RangeAnswer } from "../browser/requests.ts";
import { route, setQuery } from "../browser/route.ts";
import { fromBase64, keyLabel } from "../model/key-bytes.ts";
import { keysOnPage, nextAfter, pageRequest } from "../model/key-pages.ts";
import { Card, Empty } from "../parts/card.tsx";
import { countText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";
import { KeyDetail } from "./key-detail.tsx";

type Loaded =
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly error: string }
  | { readonly state: "loaded"; readonly answer: RangeAnswer };

export function KeysPage(): JSX.Element {
  const { requests, hello } = usePage();
  if (requests === null) return <Empty>A recording has no keys.</Empty>;
  if (hello.value === null) return <Empty>Nothing is known of the cluster yet.</Empty>;
  if (!hello.value.allows.keys) return <Empty>This dashboard is not allowed to show keys.</Empty>;
  return <KeyBrowser requests={requests} />;
}

/** The cluster's keys by prefix, a page at a time; values are fetched when one is opened. */
function KeyBrowser({ requests }: { readonly requests: DashboardRequests }): JSX.Element {
  const { prefix = "", key: opened = "" } = route.value.query;
  /** Where the pages begin that were turned to, the present one last. */
  const starts = useSignal<readonly string[]>([]);
  const asked = useSignal(0);
  const loaded = useSignal<Loaded>({ state: "loading" });
  const open = (key: string): void => setQuery({ key }, opened === "" ? "push" : "replace");
  async function load(round: number, request: Record<string, unknown>): Promise<void> {
    let now: Loaded;
    try {
      now = { state: "loaded", answer: await requests.range(request) };
    } catch (error) {
      now = { state: "failed", error: (error as Error).message };
    }
    // A later question may have been answered before.
    if (asked.peek() === round) loaded.value = now;
  }

  // Another prefix, by hand or on the way back, begins at its first page.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) turn([]);
    isFirst.current = false;
  }, [prefix]);
  useSignalEffect(() => {
    const { prefix: now = "" } = route.peek().query;
    void load(asked.value, pageRequest(now, starts.peek().at(-1)));
  });

  const kvs = loaded.value.state === "loaded" ? (loaded.value.answer.kvs ?? []) : [];
  const turn = (to: readonly string[]): void => {
    starts.value = to;
    asked.value += 1;
  };
  return (
    <div class="stack">
      <form
        class="tools"
        role="search"
        aria-label="Keys"
        onSubmit={(event) => {
          event.preventDefault();
          const given = (event.currentTarget.elements.namedItem("prefix") as HTMLInputElement).value;
          if (given === prefix) turn([]);
          else setQuery({ prefix: given, key: "" }, "push");
        }}
      >
        <label>
          Prefix{" "}
          <input type="search" name="prefix" class="find" placeholder="all keys" defaultValue={prefix} key={prefix} />
        </label>
        <button type="submit">Show</button>
        <button type="button" disabled={starts.value.length === 0} onClick={() => turn(starts.value.slice(0, -1))}>
          Previous {keysOnPage}
        </button>
        <button
          type="button"
          disabled={loaded.value.state !== "loaded" || loaded.value.answer.more !== true}
          onClick={() => turn([...starts.value, nextAfter(kvs.at(-1)?.key ?? "")])}
        >
          Next {keysOnPage}
        </button>
        <span class="muted" role="status">
          {statusText(loaded.value, starts.value.length)}
        </span>
      </form>
      {loaded.value.state === "failed" && (
        <p class="note bad" role="alert">
          The keys cannot be read. {loaded.value.error}
        </p>
      )}
      <div class={opened === "" ? "split" : "split open"}>
        {kvs.length === 0 ? (
          loaded.value.state !== "failed" && (
            <Empty>
              {loaded.value.state === "loading" ? (
                "Reading…"
              ) : prefix === "" ? (
                <>
                  There is no key yet. <code>holdfast put greeting hello</code> makes one.
                </>
              ) : (
                "No key begins so."
              )}
            </Empty>
          )
        ) : (
          <div class="scroll tall" tabIndex={0} role="region" aria-label="Keys">
            <table>
              <thead>
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col" class="number">
                    Version
                  </th>
                  <th scope="col" class="number">
                    Modified at
                  </th>
                  <th scope="col" class="number">
                    Created at
                  </th>
                  <th scope="col" class="after-number">
                    Lease
                  </th>
                </tr>
              </thead>
              <tbody>
                {kvs.map((kv) => (
                  <KeyRow key={kv.key} kv={kv} isOpen={opened === kv.key} onOpen={() => open(kv.key)} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {opened !== "" && (
          <Card
            title="Value"
            tools={
              <button
                type="button"
                onClick={() => {
                  returnFocusTo(`.split button[data-key="${CSS.escape(opened)}"]`);
                  open("");
                }}
              >
                Close
              </button>
            }
          >
            <KeyDetail key={opened} encoded={opened} />
          </Card>
        )}
      </div>
    </div>
  );
}

function KeyRow({
  kv,
  isOpen,
  onOpen,
}: {
  readonly kv: KeyValue;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
}): JSX.Element {
  const { lease = "0" } = kv;
  return (
    <tr class={isOpen ? "leads" : ""}>
      <th scope="row">
        <button type="button" class="plain" data-key={kv.key} aria-expanded={isOpen} onClick={onOpen}>
          <bdi>{keyLabel(fromBase64(kv.key))}</bdi>
        </button>
      </th>
      <td class="number">{kv.version ?? "–"}</td>
      <td class="number">{kv.mod_revision ?? "–"}</td>
      <td class="number">{kv.create_revision ?? "–"}</td>
      <td class="after-number">{lease === "0" ? "–" : BigInt(lease).toString(16)}</td>
    </tr>
  );
}

function statusText(loaded: Loaded, turned: number): string {
  if (loaded.state === "loading") return "Reading…";
  if (loaded.state === "failed") return "";
  const { count = "0", header, kvs = [] } = loaded.answer;
  const at = header?.revision === undefined ? "" : `, revision ${header.revision}`;
  const rest = turned === 0 ? `of ${countText(Number(count))}` : `of ${countText(Number(count))} from here on`;
  return `${kvs.length} ${rest}${at}`;
}
