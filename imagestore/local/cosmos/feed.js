// In which order documents changed, so that reading on from a token costs as much as has changed, not as there is.
"use strict";

const feeds = new WeakMap(); // of each collection's documents: entries [lsn, rid], the newest of a document counts

/** Note that this document has this log sequence number now. */
function note(documents, rid, lsn) {
  const feed = feeds.get(documents) || { entries: [], isSorted: true };
  feeds.set(documents, feed);
  const last = feed.entries[feed.entries.length - 1];
  if (last && last[0] > lsn) feed.isSorted = false; // only while a journal is replayed
  feed.entries.push([lsn, rid]);
}

function firstAfter(entries, lsn) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle][0] > lsn) high = middle; else low = middle + 1;
  }
  return low;
}

/** The documents' items that changed after `lsn`, oldest change first. */
function* changedAfter(documents, lsn) {
  const feed = feeds.get(documents);
  if (!feed) return;
  if (!feed.isSorted || feed.entries.length > 2 * documents._data.size + 1000) {
    feed.entries = [...documents._data].map(([rid, item]) => [item._lsn, rid]).sort((a, b) => a[0] - b[0]);
    feed.isSorted = true;
  }
  for (let i = firstAfter(feed.entries, lsn); i < feed.entries.length; i += 1) {
    const item = documents._data.get(feed.entries[i][1]);
    if (item && item._lsn === feed.entries[i][0]) yield item;
  }
}

module.exports = { note, changedAfter };
