// REDIS_URL=… node socketio.mjs PORT: one node of Socket.IO as its documentation on performance and
// on several nodes has it: WebSocket only, without compression, the native add-on of `ws`, the
// sharded Redis adapter. Events come through the adapter, as from any other node that emits to the
// room; the adapter encodes the packet and its frame once for all sockets. To connect is to be in
// the room; with SECRET_KEY=… and CONNECTIONS_PER_USER=… it takes what `signing_in.mjs` asks for.

import { createServer } from "node:http";
import { createShardedAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { signIn } from "./signing_in.mjs";

const ROOM = "orders";

const publisher = createClient({ url: process.env.REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  adapter: createShardedAdapter(publisher, subscriber),
});

io.engine.on("connection", (connection) => {
  connection.request = null; // a request that nobody reads need not stay in memory
});
const { SECRET_KEY: secret, CONNECTIONS_PER_USER: limit } = process.env;
if (secret) {
  signIn(io, publisher, { secret, limit: Number(limit) });
} else {
  io.on("connection", (socket) => socket.join(ROOM));
}
http.listen(Number(process.argv[2]), "127.0.0.1");
