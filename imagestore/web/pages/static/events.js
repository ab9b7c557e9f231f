// What changes, as it changes. All tabs share one connection; a hidden tab listens to nothing, and catches up when it is
// seen again.

import { connect, isLater } from "./stream.js";

const SAY_LOST_AFTER_MS = 3000;
let canShare = "SharedWorker" in window;
let lostTimer = null; // runs since the connection was lost

/** Listen by the worker that all tabs share. Returns the function that ends it. */
function share(after, tell, fail) {
  const worker = new SharedWorker(new URL("stream-worker.js", import.meta.url), { type: "module", name: "events" });
  worker.addEventListener("error", fail);
  worker.port.addEventListener("message", ({ data }) => tell(data));
  worker.port.start();
  worker.port.postMessage({ after });
  return () => { worker.port.postMessage({ leave: true }); worker.port.close(); };
}

/** Say that the page may be out of date while the server does not answer; a short break is not worth a word. */
function showConnection(isThere) {
  const banner = document.getElementById("offline");
  if (!isThere) {
    lostTimer ??= setTimeout(() => { banner.hidden = false; }, SAY_LOST_AFTER_MS);
    return;
  }
  clearTimeout(lostTimer);
  lostTimer = null;
  banner.hidden = true;
}

/** Call `handlers.picture(record)`, `.deleted({id})` and `.reset()` as things happen, beginning with what happened since
 * the server made this page. `keep()` says whether to go on listening though the tab is hidden. Returns the function
 * to call when `keep()` may have changed its answer. */
export function watch(handlers, keep = () => false) {
  const page = document.documentElement;
  let last = page.dataset.lastEvent || null;
  let leave = null;

  function hear({ kind, id, data }) {
    if (kind === "connected" || kind === "lost") {
      page.dataset.live = kind === "connected" ? "yes" : "no";
      showConnection(kind === "connected");
      return;
    }
    if (last && kind !== "reset" && isLater(id, last) === false) return; // known already
    last = id;
    if (handlers[kind]) handlers[kind](data);
    rest();
  }

  function rest() {
    if (document.hidden && !keep()) stop();
  }

  function start() {
    if (leave || (document.hidden && !keep())) return;
    leave = canShare ? share(last, hear, fallBack) : connect(last, hear);
  }

  function stop() {
    if (!leave) return;
    leave();
    leave = null;
    page.dataset.live = "no";
    showConnection(true);
  }

  function fallBack() { // a browser that has no workers of this kind
    canShare = false;
    stop();
    start();
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) start();
    else rest();
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
  return rest;
}
