// Mends how the engine reads documents: queries stay in their partition, expired items are gone, and time grows
// with the number of documents, not with its square.
"use strict";
const { AsyncLocalStorage } = require("async_hooks");
const Items = require("@vercel/cosmosdb-server/lib/account/items").default;
const Documents = require("@vercel/cosmosdb-server/lib/account/documents").default;
const helpers = require("@zeit/cosmosdb-query/lib/helpers");

/** The request being answered; queries read their partition key from it. */
const request = new AsyncLocalStorage();

/** The partition key in a request's header, as an array of values; undefined where there is none. */
function partitionKeyOf(req) {
  const header = req && req.headers["x-ms-documentdb-partitionkey"];
  if (!header) return undefined;
  try { return JSON.parse(header); } catch { return undefined; }
}

const valueAt = (document, path) =>
  path.slice(1).split("/").reduce((value, key) => (value === null || value === undefined ? undefined : value[key]), document);

/** A test whether a document lies in this partition. */
function inPartition(collection, key) {
  if (!Array.isArray(key) || key.length === 0) return () => true;
  const paths = (collection.partitionKey || {}).paths || [];
  return (document) => key.every((value, i) => {
    const actual = valueAt(document, paths[i]);
    return value !== null && typeof value === "object" ? actual === undefined : actual === value;
  });
}

/** Whether the document's time to live has passed. */
function isExpired(collection, document) {
  if (collection.defaultTtl === undefined || collection.defaultTtl === null) return false;
  const ttl = typeof document.ttl === "number" ? document.ttl : collection.defaultTtl;
  return ttl > 0 && document._ts + ttl <= Date.now() / 1000;
}

/** A test whether a document is there for a request with this partition key. */
function isVisible(collection, key) {
  const wanted = inPartition(collection, key);
  return (document) => !isExpired(collection, document) && wanted(document);
}

function visible(documents, key) {
  return [...documents._data.values()].map((item) => item.read()).filter(isVisible(documents._parent.read(), key));
}

// The engine's SELECT is `rows.reduce((all, row) => [...all, ...f(row)], [])`, which copies all that it has each time.
function withLinearReduce(rows) {
  rows.reduce = function reduce(step, initial) {
    if (!Array.isArray(initial)) return Array.prototype.reduce.call(this, step, initial);
    const all = [];
    for (const row of this) for (const result of step([], row)) all.push(result);
    return withLinearReduce(all);
  };
  return rows;
}

helpers.stripUndefined = function stripUndefined(value) {
  if (Array.isArray(value)) return value.filter((item) => item !== undefined).map(stripUndefined);
  if (value === null || typeof value !== "object") return value;
  const result = {};
  for (const key in value) if (value[key] !== undefined) result[key] = stripUndefined(value[key]);
  return result;
};

Documents.prototype.query = function query(parameters, { maxItemCount, continuation }) {
  const collection = this._parent.read();
  if (!collection) return null;
  const rows = withLinearReduce(visible(this, partitionKeyOf(request.getStore())));
  try {
    return this._getQuery(parameters.query).exec(rows, {
      parameters: parameters.parameters,
      udf: this._userDefinedFunctions(),
      maxItemCount,
      continuation,
      compositeIndexes: (collection.indexingPolicy || {}).compositeIndexes || [],
    });
  } catch (error) {
    throw Object.assign(error, { badRequest: true });
  }
};

Documents.prototype.read = function read(options = {}) {
  if (!this._parent.read()) return null;
  const rows = visible(this, partitionKeyOf(request.getStore()));
  return this._getQuery("SELECT * FROM c").exec(withLinearReduce(rows), options);
};

// An expired document is removed when somebody asks for it by name: from then on its id is free.
const find = Items.prototype._item;
let removing = false;
Documents.prototype._item = function item(path, value, partition) {
  const found = find.call(this, path, value, partition);
  const document = found.read();
  if (removing || !document || !isExpired(this._parent.read(), document)) return found;
  removing = true;
  try { this.delete(document.id, this._getPartition(document)); } finally { removing = false; }
  return this._newItem();
};

module.exports = { request, partitionKeyOf, inPartition, isVisible };
