// The operations on documents that the engine lacks or gets wrong: read, patch, batch and the change feed.
"use strict";
const readJson = require("@vercel/cosmosdb-server/lib/json").default;
const operations = require("@vercel/cosmosdb-server/lib/handler/_document-operations");
const { patchOperation } = require("@vercel/cosmosdb-server/lib/handler/_patch-operations");
const { parsePartitionKey } = require("@vercel/cosmosdb-server/lib/utils/get-partition-from-header");
const parseQuery = require("@zeit/cosmosdb-query").default;
const { partitionKeyOf, inPartition, isVisible } = require("./documents");
const { changedAfter } = require("./feed");
const { atomically, currentLsn } = require("./journal");

const DOCUMENTS = /^\/+dbs\/([^/]+)\/colls\/([^/]+)\/docs(?:\/([^/?]+))?\/?(?:\?|$)/;
const MOST_IN_A_BATCH = 100;
const MOST_IN_A_PAGE = 1000;
const BATCH = {
  Create: operations.createOperation,
  Upsert: operations.upsertOperation,
  Read: operations.readOperation,
  Delete: operations.deleteOperation,
  Replace: operations.replaceOperation,
};

const failure = (status, code, message) => ({ status, body: { code, message } });
const notFound = () => failure(404, "NotFound", "Entity with the specified id does not exist in the system.");

/** Answer the request as {status, body, etag}, or return null to leave it to the engine. */
async function answer(account, req) {
  const match = DOCUMENTS.exec(req.url);
  if (!match) return null;
  const [database, name, id] = match.slice(1).map((part) => part && decodeURIComponent(part));
  const collection = account.database(database).collection(name);
  if (!collection.read()) return failure(404, "NotFound", "Resource Not Found. Owner resource does not exist");
  if (id !== undefined) {
    if (req.method === "GET") return readDocument(collection, id, req);
    return req.method === "PATCH" ? patchDocument(collection, id, await readJson(req), req) : null;
  }
  if (req.headers["x-ms-cosmos-is-batch-request"]) return batch(collection, await readJson(req), req);
  if (req.method === "GET" && /incremental feed/i.test(req.headers["a-im"] || "")) return changeFeed(collection, req);
  if (isQuery(req) && req.headers["x-ms-documentdb-partitionkey"]) {
    req.headers["x-ms-documentdb-query-enablecrosspartition"] = "True"; // the scope is held by documents.js
  }
  return null;
}

function isQuery(req) {
  const isQueryType = /application\/query\+json/.test(req.headers["content-type"] || "");
  return req.method === "POST" && (isQueryType || Boolean(req.headers["x-ms-documentdb-isquery"]));
}

function readDocument(collection, id, req) {
  const key = parsePartitionKey(req.headers["x-ms-documentdb-partitionkey"], id);
  const document = collection.document(id, key).read();
  if (!document || !inPartition(collection.read(), partitionKeyOf(req))(document)) return notFound();
  if (req.headers["if-none-match"] === document._etag) return { status: 304 };
  return { status: 200, body: document };
}

function meets(condition, document) {
  return parseQuery(`SELECT * ${condition}`).exec([document], {}).result.length > 0;
}

function patchDocument(collection, id, body, req) {
  const partitionKey = req.headers["x-ms-documentdb-partitionkey"];
  const document = collection.document(id, parsePartitionKey(partitionKey, id)).read();
  if (!document) return notFound();
  if (body.condition && !meets(body.condition, document)) {
    return failure(412, "PreconditionFailed", "Condition specified in the patch request is not satisfied.");
  }
  const changes = Array.isArray(body) ? body : body.operations;
  const result = patchOperation(collection, { id, partitionKey, ifMatch: req.headers["if-match"], operations: changes });
  return { status: result.statusCode, body: result.body };
}

class BatchFailed extends Error {}

function batch(collection, items, req) {
  if (items.length > MOST_IN_A_BATCH) {
    return failure(400, "BadRequest", `Batch request has more operations than what is supported (${MOST_IN_A_BATCH}).`);
  }
  const results = [];
  const isAtomic = /true/i.test(req.headers["x-ms-cosmos-batch-atomic"] || "");
  const run = () => {
    for (const item of items) {
      const result = batchItem(collection, item, req);
      const failed = result.statusCode >= 400;
      results.push(failed
        ? { statusCode: result.statusCode, requestCharge: 1 }
        : { statusCode: result.statusCode, requestCharge: 1, eTag: (result.body || {})._etag, resourceBody: result.body });
      if (failed && isAtomic) throw new BatchFailed();
    }
  };
  try {
    if (isAtomic) atomically(run); else run();
  } catch (error) {
    if (!(error instanceof BatchFailed)) throw error;
    const failed = results.length - 1;
    const body = items.map((_, i) => (i === failed ? results[i] : { statusCode: 424, requestCharge: 0 }));
    return { status: 207, body };
  }
  return { status: 200, body: results };
}

function batchItem(collection, item, req) {
  const partitionKey = req.headers["x-ms-documentdb-partitionkey"];
  const key = partitionKeyOf(req);
  try {
    if (item.operationType === "Patch") {
      const document = collection.document(item.id, parsePartitionKey(partitionKey, item.id)).read();
      const { condition, operations: changes } = item.resourceBody;
      if (condition && !(document && meets(condition, document))) return { statusCode: 412 };
      return patchOperation(collection, { ...item, operations: changes, partitionKey });
    }
    if (item.resourceBody && !inPartition(collection.read(), key)(item.resourceBody)) return { statusCode: 400 };
    return BATCH[item.operationType](collection, { ...item, partitionKey });
  } catch (error) {
    if (error.conflict) return { statusCode: 409 };
    if (error.badRequest) return { statusCode: 400 };
    throw error;
  }
}

function changeFeed(collection, req) {
  const { headers } = req;
  const token = headers["if-none-match"];
  if (token === "*") return { status: 304, etag: String(currentLsn()) };
  const after = Number(String(token || "0").replaceAll('"', "")) || 0;
  const since = headers["if-modified-since"] ? Date.parse(headers["if-modified-since"]) / 1000 : 0;
  const asked = Number(headers["x-ms-max-item-count"]);
  const most = asked > 0 ? asked : MOST_IN_A_PAGE;
  const wanted = isVisible(collection.read(), partitionKeyOf(req));
  const changed = [];
  for (const item of changedAfter(collection.documents, after)) {
    if (item.read()._ts >= since && wanted(item.read())) changed.push(item);
    if (changed.length === most) break;
  }
  if (changed.length === 0) return { status: 304, etag: String(after) };
  const documents = changed.map((item) => ({ ...item.read(), _lsn: item._lsn }));
  return {
    status: 200,
    etag: String(changed[changed.length - 1]._lsn),
    body: { Documents: documents, _count: documents.length },
  };
}

module.exports = { answer };
