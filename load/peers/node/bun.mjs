// REDIS_URL=… bun bun.mjs PORT: Bun's own WebSocket server and topics, told by Bun's own Redis
// client. To upgrade is to subscribe.

const TOPIC = "orders";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, upgrading) {
    return upgrading.upgrade(request) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.subscribe(TOPIC);
      socket.send("ready");
    },
    message() {},
  },
});

const redis = new Bun.RedisClient(process.env.REDIS_URL);
await redis.subscribe(TOPIC, (message) => server.publish(TOPIC, message));
