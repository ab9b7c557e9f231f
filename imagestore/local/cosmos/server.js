// A Cosmos DB (NoSQL API) for one machine: the engine of @vercel/cosmosdb-server with what it lacks.
//   node server.js --port 8081 --journal FILE [--faults]
// Prints "listening" when it answers, then one line a request: method, path, status. With --faults, POST /__fault
// {"left": 5, "status": 429, "ms": 10} makes the next requests for documents fail.
"use strict";
const crypto = require("crypto");
const http = require("http");
const { parseArgs } = require("util");
const Account = require("@vercel/cosmosdb-server/lib/account").default;
const route = require("@vercel/cosmosdb-server/lib/routes").default;
const readJson = require("@vercel/cosmosdb-server/lib/json").default;
const journal = require("./journal");
const { request } = require("./documents");
const { answer } = require("./operations");

const MAX_ITEM_BYTES = 2 * 1024 * 1024;
const { values: options } = parseArgs({
  options: { port: { type: "string" }, journal: { type: "string" }, faults: { type: "boolean", default: false } },
});
const port = Number(options.port);
const fault = { left: 0, status: 429, ms: 10 };

const account = new Account("localhost", port);
for (const kind of ["writableLocations", "readableLocations"]) {
  for (const location of account.read()[kind]) location.databaseAccountEndpoint = `http://localhost:${port}/`;
}
if (options.journal) journal.open(options.journal, account);

function statusOf(error) {
  if (error.conflict) return 409;
  if (error.badRequest) return 400;
  return error.unavailable ? 503 : 500;
}

function injected(req, res) {
  if (fault.left <= 0 || !/\/docs/.test(req.url)) return null;
  fault.left -= 1;
  res.setHeader("x-ms-retry-after-ms", String(fault.ms));
  if (fault.status === 429) res.setHeader("x-ms-substatus", "3200");
  return { status: fault.status, body: { code: String(fault.status), message: "Request rate is large." } };
}

async function engine(req, res) {
  const found = route(req);
  if (!found) return { status: 400, body: { code: "BadRequest", message: "There is nothing at this address." } };
  const [parameters, handler] = found;
  const body = await handler(account, req, res, parameters);
  return { status: res.statusCode, body };
}

async function respond(req, res) {
  if (options.faults && req.url === "/__fault" && req.method === "POST") {
    Object.assign(fault, await readJson(req));
    return { status: 200, body: fault };
  }
  const isBatch = Boolean(req.headers["x-ms-cosmos-is-batch-request"]);
  if (Number(req.headers["content-length"]) > MAX_ITEM_BYTES && !isBatch) {
    req.resume();
    return { status: 413, body: { code: "RequestEntityTooLarge", message: "Request size is too large" } };
  }
  return injected(req, res) || (await answer(account, req)) || engine(req, res);
}

async function serve(req, res) {
  res.setHeader("content-type", "application/json");
  res.setHeader("x-ms-activity-id", crypto.randomUUID());
  res.setHeader("x-ms-request-charge", "1");
  let result;
  try {
    result = await respond(req, res);
  } catch (error) {
    const status = statusOf(error);
    if (status >= 500) console.error(error.stack);
    result = { status, body: { code: http.STATUS_CODES[status], message: error.message } };
  }
  let { status, body } = result;
  const etag = result.etag || (body && body._etag);
  if (etag) res.setHeader("etag", etag);
  // The SDK reads the list of ranges until it is told that nothing changed.
  if (/\/pkranges/.test(req.url) && req.headers["a-im"] && status === 200) {
    res.setHeader("etag", "1");
    if (req.headers["if-none-match"]) [status, body] = [304, undefined];
  }
  if (status > 399 && body && !body.message) body.message = "";
  res.setHeader("x-ms-session-token", `0:-1#${journal.currentLsn()}`);
  res.statusCode = status;
  res.end(body === undefined ? undefined : JSON.stringify(body));
  console.log(`${req.method} ${req.url.split("?")[0]} ${status}`);
}

const server = http.createServer((req, res) => request.run(req, () => serve(req, res)));
server.keepAliveTimeout = 60000;
server.on("error", (error) => {
  console.error(`Cosmos DB cannot listen on 127.0.0.1:${port}: ${error.code}`);
  process.exit(1);
});
server.listen(port, "127.0.0.1", () => console.log("listening"));
