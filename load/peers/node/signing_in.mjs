// What Tandem does for each connection, in the way of Socket.IO's documentation: a middleware reads
// the token of the CONNECT packet and counts the user's connections in Redis, for all nodes. A
// socket is in its user's room from the start, and in another once it has asked for it.

import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";

const OPEN_ROOMS = new Set(["orders"]);

export function signIn(io, redis, { secret, limit }) {
  const key = createSecretKey(secret, "utf8");
  io.use(async (socket, next) => {
    try {
      socket.data.user = verify(socket.handshake.auth.token, key).sub;
      await count(socket, redis, limit);
      next();
    } catch (error) {
      next(error);
    }
  });
  io.on("connection", (socket) => {
    socket.join(`users:${socket.data.user}`);
    socket.on("subscribe", (room, answer) => {
      const allowed = OPEN_ROOMS.has(room);
      if (allowed) socket.join(room);
      answer(allowed);
    });
  });
}

// The claims of a JSON Web Token with HS256.
function verify(token, key) {
  const [head, body, signature] = String(token).split(".");
  const given = Buffer.from(signature ?? "", "base64url");
  const right = createHmac("sha256", key).update(`${head}.${body}`).digest();
  if (given.length !== right.length || !timingSafeEqual(given, right)) throw new Error("forged");
  const { alg } = read(head);
  const claims = read(body);
  if (alg !== "HS256" || claims.aud !== "tandem" || claims.iss !== "tandem") {
    throw new Error("not ours");
  }
  if (claims.exp * 1000 <= Date.now()) throw new Error("expired");
  return claims;
}

function read(part) {
  return JSON.parse(Buffer.from(part, "base64url"));
}

// A socket that goes while this waits is never told to have disconnected; its transport is.
async function count(socket, redis, limit) {
  const name = `connections:${socket.data.user}`;
  let counted = true;
  const leave = () => {
    if (counted) redis.decr(name);
    counted = false;
  };
  socket.conn.once("close", leave);
  if ((await redis.incr(name)) > limit) {
    leave();
    throw new Error("too many connections");
  }
}
