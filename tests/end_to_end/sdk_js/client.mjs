/**
 * One client of centrifuge-js, driven by a test: `node client.mjs json|protobuf URL`.
 *
 * JSON arrays [kind, value], one a line. In come calls, ["connect", {number, …arguments}]; each is
 * answered by ["answer", {number, result}] or ["answer", {number, error}]. Whatever the SDK tells
 * goes out as it comes: ["client.connected", context], ["subscription.join", context]; and each
 * time that it asks for a token, ["token", {}].
 */

import { createInterface } from "node:readline";
import WebSocket from "ws";

const CLIENT_EVENTS = [
  "connecting", "connected", "disconnected", "error",
  "subscribing", "subscribed", "unsubscribed", "publication", "join", "leave",
];
const SUBSCRIPTION_EVENTS = [
  "subscribing", "subscribed", "unsubscribed", "publication", "join", "leave", "error",
];

const [flavour, url] = process.argv.slice(2);
const isBinary = flavour === "protobuf";
const { Centrifuge, UnauthorizedError } = await import(
  isBinary ? "centrifuge/build/protobuf" : "centrifuge"
);

let refreshToken = "";
let accessToken = "";

const client = new Centrifuge(`${url.replace(/^http/, "ws")}/connection/websocket`, {
  websocket: WebSocket,
  getToken,
  minReconnectDelay: 100,
  maxReconnectDelay: 500,
});

for (const name of CLIENT_EVENTS) {
  client.on(name, (context) => tell(`client.${name}`, context));
}

const calls = {
  async connect({ token }) {
    refreshToken = token;
    client.connect();
    await client.ready();
  },
  async subscribe({ channel, options }) {
    const subscription = client.newSubscription(channel, options ?? {});
    await follow(subscription);
  },
  async subscribeFromState({ channel, path }) {
    const getState = async () => (await read(path)).position;
    await follow(client.newSubscription(channel, { getState }));
  },
  async unsubscribe({ channel }) {
    client.getSubscription(channel).unsubscribe();
  },
  async presence({ channel }) {
    return (await client.getSubscription(channel).presence()).clients;
  },
  async presenceStats({ channel }) {
    return await client.getSubscription(channel).presenceStats();
  },
  async history({ channel, options }) {
    return await client.getSubscription(channel).history(options);
  },
  async publish({ channel, data }) {
    await client.getSubscription(channel).publish(isBinary ? encoded(data) : data);
  },
  async state({ channel }) {
    const subscription = channel && client.getSubscription(channel);
    return { client: client.state, subscription: subscription?.state };
  },
  async disconnect() {
    client.disconnect();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [what, value] = JSON.parse(line);
  answer(value.number, calls[what](value));
}
client.disconnect();

async function follow(subscription) {
  for (const name of SUBSCRIPTION_EVENTS) {
    subscription.on(name, (context) => tell(`subscription.${name}`, context));
  }
  subscription.subscribe();
  await subscription.ready();
}

/** As an application does: a new pair of tokens over REST. */
async function getToken() {
  tell("token", {});
  const response = await fetch(`${url}/api/v1/auth/refresh`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ refresh_token: refreshToken }),
  });
  if (response.status === 401) {
    throw new UnauthorizedError("the session has ended");
  }
  const tokens = await response.json();
  refreshToken = tokens.refresh_token;
  accessToken = tokens.access_token;
  return accessToken;
}

async function read(path) {
  const response = await fetch(url + path, { headers: { Authorization: `Bearer ${accessToken}` } });
  return await response.json();
}

async function answer(number, result) {
  try {
    tell("answer", { number, result: (await result) ?? null });
  } catch (error) {
    tell("answer", { number, error: { code: error.code, message: error.message } });
  }
}

function tell(kind, value) {
  process.stdout.write(`${JSON.stringify([kind, value], decoded)}\n`);
}

function encoded(data) {
  return new TextEncoder().encode(JSON.stringify(data));
}

/** The Protobuf SDK gives bytes for what is JSON. */
function decoded(_key, value) {
  if (!(value instanceof Uint8Array)) {
    return value;
  }
  return value.length ? JSON.parse(new TextDecoder().decode(value)) : null;
}
