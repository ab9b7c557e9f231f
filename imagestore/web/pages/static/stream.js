// One connection to the server's events (/api/v1/events). It is opened again whenever it breaks.

const KINDS = ["hello", "picture", "deleted", "reset"];
const RETRY_MS = 2000;
const LONGEST_RETRY_MS = 30000;

/** Connect, and go on after the event with the id `after`. `tell` is called with {kind, id, data} for every event, and
 * with {kind: "connected"} or {kind: "lost"} as the connection comes and goes. Returns the function that closes it. */
export function connect(after, tell) {
  let last = after;
  let source = null;
  let timer = null;
  let retryMs = RETRY_MS; // longer each time that the server refuses, so that all who were refused do not crowd it

  function open() {
    source = new EventSource(`/api/v1/events${last ? `?after=${encodeURIComponent(last)}` : ""}`);
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        last = event.lastEventId;
        tell({ kind, id: last, data: JSON.parse(event.data) });
      });
    }
    source.addEventListener("open", () => { retryMs = RETRY_MS; tell({ kind: "connected" }); });
    source.addEventListener("error", () => {
      tell({ kind: "lost" });
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, retryMs * (0.5 + Math.random() / 2));
      retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
    });
  }

  open();
  return () => { clearTimeout(timer); source.close(); };
}

/** Whether the event `id` comes later than the event `other`; null where they cannot be compared, because the server
 * has made its index anew between them. An id is the index's own id, a dash, and a number that counts up. */
export function isLater(id, other) {
  const [index, number] = id.split("-");
  const [otherIndex, otherNumber] = other.split("-");
  return index === otherIndex ? Number(number) > Number(otherNumber) : null;
}
