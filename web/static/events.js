// What changes, as it changes. A hidden page lets go of its connection and catches up when it is seen again.

const RETRY_MS = 2000;

/** Call `handlers.picture(record)`, `.deleted({id})` and `.reset()` as things happen; `keep()` says whether to stay
 * connected though the page is hidden. */
export function watch(handlers, keep = () => false) {
  let source = null;
  let last = null;

  function open() {
    if (source && source.readyState !== EventSource.CLOSED) return;
    source = new EventSource(`/api/v1/events${last ? `?after=${encodeURIComponent(last)}` : ""}`);
    for (const kind of ["hello", "picture", "deleted", "reset"]) {
      source.addEventListener(kind, (event) => {
        last = event.lastEventId;
        document.documentElement.dataset.live = "yes";
        if (handlers[kind]) handlers[kind](JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(open, RETRY_MS);
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) open();
    else if (!keep()) source.close();
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", open);
  open();
}
