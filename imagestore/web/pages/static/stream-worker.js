// A SharedWorker: one connection to the server's events for all tabs that are seen. A browser opens only six connections
// to one server, so a connection for each tab would soon leave none for pages and pictures.

import { connect, isLater } from "./stream.js";

const tabs = new Set(); // the ports of the tabs that listen
let close = null; // closes the connection; null while there is none
let last = null; // the id of the latest event that came over it
let isConnected = false;

function open(after) {
  last = after;
  isConnected = false;
  close = connect(after, (message) => {
    if (message.id) last = message.id;
    else isConnected = message.kind === "connected";
    for (const port of tabs) port.postMessage(message);
  });
}

/** A tab listens from now on; it has seen everything up to the event `after`. */
function join(port, after) {
  tabs.add(port);
  if (!close) {
    open(after);
    return;
  }
  const hasMissed = after && last ? isLater(last, after) : false;
  if (hasMissed) { // the other tabs are told some events twice, and pass over what they know
    close();
    open(after);
    return;
  }
  if (isConnected) port.postMessage({ kind: "connected" });
  if (hasMissed === null) port.postMessage({ kind: "reset", id: last, data: {} });
}

function leave(port) {
  tabs.delete(port);
  if (tabs.size > 0 || !close) return;
  close();
  close = null;
}

addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => { if (data.leave) leave(port); else join(port, data.after); });
  port.addEventListener("close", () => leave(port)); // the tab crashed; not every browser tells
  port.start();
});
