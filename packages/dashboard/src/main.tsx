import { render } from "preact";
import { App } from "./app.tsx";
import { followStream, type LiveStream } from "./browser/live-stream.ts";
import { after, every, onceAFrame, steadyNow, wallNow } from "./browser/page-time.ts";
import { keepFocus } from "./browser/focus-keeper.ts";
import { dashboardRequests, dashboardUrl } from "./browser/requests.ts";
import { followAddress, goTo } from "./browser/route.ts";
import { takeTokenFromAddress } from "./browser/session-token.ts";
import { applyTheme } from "./browser/theme.ts";
import { fullestView, hasMembers } from "./model/fullest-view.ts";
import { LiveModel } from "./model/live-model.ts";
import { pageState } from "./page-state.ts";
import "./style/page.css";

takeTokenFromAddress();
followAddress();
applyTheme();
keepFocus();

const model = new LiveModel();
const page = pageState(model, dashboardRequests(), { phase: "connecting", sinceMs: steadyNow() });
const show = onceAFrame(() => page.refresh());
/** Whoever names no view sees the fullest, once it is known what there is: what runs here may have no cluster. */
const settledAfterMs = 400;
let isOpening = location.hash === "";
/** How far the cluster's clock is ahead of the browser's. */
let aheadMs = 0;

function tick(): void {
  page.setNow(wallNow() + aheadMs);
  page.steadyMs.value = steadyNow();
}

function openFullest(): void {
  if (location.hash === "") goTo(fullestView(model));
}

const stream: LiveStream = followStream({
  url: new URL("stream", dashboardUrl).href,
  onMessage(message) {
    if (message.type === "cluster") {
      const before = aheadMs;
      aheadMs = message.cluster.at - wallNow();
      // What is left of a fault would be wrong until the next tick.
      if (Math.abs(aheadMs - before) > 250) tick();
    }
    model.apply(message, wallNow() + aheadMs);
    if (isOpening && message.type === "cluster") {
      isOpening = false;
      if (!hasMembers(message.cluster)) after(settledAfterMs, openFullest);
    }
    show();
  },
  onConnection(connection) {
    page.steadyMs.value = steadyNow();
    page.connection.value = connection;
  },
  onProblem: (problem) => (page.problem.value = problem),
});

// A page that is open already is given a token the same way.
window.addEventListener("hashchange", () => {
  if (takeTokenFromAddress()) stream.reconnect();
});

tick();
every(500, tick);

const place = document.querySelector("#page");
if (place !== null) {
  place.replaceChildren();
  render(<App page={page} onReconnect={() => stream.reconnect()} />, place);
}
