// Makes the engine's data last: every change is one line of JSON on disk before the client is answered.
// A change that cannot be written is undone in memory and answered with 503, so that disk and memory never differ.
"use strict";
const fs = require("fs");
const Items = require("@vercel/cosmosdb-server/lib/account/items").default;
const Documents = require("@vercel/cosmosdb-server/lib/account/documents").default;
const feed = require("./feed");

const rawSet = Items.prototype._set;
const kindOf = (items) => items.constructor.name;
const ownerOf = (items) => (items._parent.read() || {})._self || "";
const isKept = (items) => kindOf(items) !== "PartitionKeyRanges";

let file = null; // { descriptor, length }
let transaction = null; // { entries, undo }
let lastLsn = 0; // the log sequence number: grows with every change of a document, and orders the change feed

/** Run `change`; all its writes reach the disk as one line, or none of them happened. */
function atomically(change) {
  if (transaction) return change();
  transaction = { entries: [], undo: [] };
  try {
    const result = change();
    append(transaction.entries);
    return result;
  } catch (error) {
    transaction.undo.reverse().forEach((step) => step());
    throw error;
  } finally {
    transaction = null;
  }
}

function append(entries) {
  if (!file || entries.length === 0) return;
  const line = Buffer.from(`${JSON.stringify(entries)}\n`);
  try {
    let written = 0;
    while (written < line.length) written += fs.writeSync(file.descriptor, line, written, line.length - written);
    file.length += line.length;
  } catch (error) {
    try { fs.ftruncateSync(file.descriptor, file.length); } catch { /* a torn last line is dropped at the next start */ }
    throw Object.assign(new Error(`the journal cannot be written: ${error.message}`), { unavailable: true });
  }
}

function remember(entry, undo) {
  if (!transaction) return; // replaying
  transaction.entries.push(entry);
  transaction.undo.push(undo);
}

/** Take an item out of the engine's maps, expired or not. */
function drop(items, data) {
  for (const path of items._uniqueKeyPaths) {
    const value = path.slice(1).split("/").reduce((found, key) => (found || {})[key], data);
    items._index.delete(items._getId(path, value, items._getPartition(data)));
  }
  items._data.delete(data._rid);
}

function stored(items, rid) {
  const item = items._data.get(rid);
  return item && item.read();
}

function changed(documents, rid, lsn) {
  lastLsn = Math.max(lastLsn, lsn);
  documents._data.get(rid)._lsn = lsn;
  feed.note(documents, rid, lsn);
}

Items.prototype._set = function set(data) {
  if (!isKept(this)) return rawSet.call(this, data);
  const before = stored(this, data._rid);
  const lsnBefore = (this._data.get(data._rid) || {})._lsn;
  const written = rawSet.call(this, data);
  if (this instanceof Documents) changed(this, data._rid, lastLsn + 1);
  remember({ kind: kindOf(this), owner: ownerOf(this), set: written, lsn: lastLsn }, () => {
    drop(this, written);
    if (!before) return;
    rawSet.call(this, before);
    this._data.get(before._rid)._lsn = lsnBefore;
  });
  return written;
};

Items.prototype.delete = function remove(id, partition) {
  return atomically(() => {
    const before = this._item("/id", id, partition).read();
    if (!before) throw new Error("does not exist");
    const lsn = (this._data.get(before._rid) || {})._lsn;
    drop(this, before);
    if (!isKept(this)) return;
    remember({ kind: kindOf(this), owner: ownerOf(this), delete: before._rid }, () => {
      rawSet.call(this, before);
      this._data.get(before._rid)._lsn = lsn;
    });
  });
};

for (const name of ["create", "replace", "upsert"]) {
  const original = Items.prototype[name];
  Items.prototype[name] = function change(...parameters) {
    return atomically(() => original.apply(this, parameters));
  };
}

// ETags carry their quotes inside, as Cosmos DB's do.
const documentSet = Documents.prototype._set;
Documents.prototype._set = function set(data) {
  const quoted = /^"/.test(data._etag) ? data : { ...data, _etag: `"${data._etag}"` };
  return documentSet.call(this, quoted);
};

/** Open the journal at `path`, bring `account` to the state it describes, and write it anew where it has grown long. */
function open(path, account) {
  const lines = replay(path, account);
  const live = snapshot(account);
  if (lines > 2 * live.length + 1000) {
    fs.writeFileSync(`${path}.new`, live.map((entry) => `${JSON.stringify([entry])}\n`).join(""), { mode: 0o600 });
    fs.renameSync(`${path}.new`, path);
  }
  const descriptor = fs.openSync(path, "a", 0o600);
  file = { descriptor, length: fs.fstatSync(descriptor).size };
}

function replay(path, account) {
  if (!fs.existsSync(path)) return 0;
  const data = fs.readFileSync(path);
  const homes = new Map([["Databases", account.databases]]);
  let start = 0;
  let lines = 0;
  for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
    let entries;
    try { entries = JSON.parse(data.toString("utf8", start, end)); } catch { break; }
    entries.forEach((entry) => apply(entry, homes, account));
    start = end + 1;
    lines += 1;
  }
  if (start < data.length) fs.truncateSync(path, start); // the process died in the middle of the last line
  return lines;
}

function apply(entry, homes, account) {
  const home = homes.get(entry.kind === "Databases" ? "Databases" : entry.kind + entry.owner);
  if (!home) return;
  if (entry.set === undefined) {
    if (stored(home, entry.delete)) drop(home, stored(home, entry.delete));
    return;
  }
  const before = stored(home, entry.set._rid);
  if (before) drop(home, before);
  home._set(entry.set);
  home._ridCount += 1;
  if (entry.kind === "Databases") homes.set(`Collections${entry.set._self}`, account.database(entry.set.id).collections);
  if (entry.kind === "Collections") {
    const collection = home._item("/id", entry.set.id, entry.set.id);
    homes.set(`Documents${entry.set._self}`, collection.documents);
  }
  if (entry.lsn && home instanceof Documents) {
    changed(home, entry.set._rid, entry.lsn);
  }
}

function snapshot(account) {
  const entries = [];
  const add = (items) => {
    for (const item of items._data.values()) {
      entries.push({ kind: kindOf(items), owner: ownerOf(items), set: item.read(), lsn: item._lsn || 0 });
      if (item.collections) add(item.collections);
      if (item.documents) add(item.documents);
    }
  };
  add(account.databases);
  return entries;
}

module.exports = { atomically, open, currentLsn: () => lastLsn };
