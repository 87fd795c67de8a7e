"""From a committed write to every authorised browser: in order, once, without a gap.

A write
    orders/service    changes the row and calls `outbox.record`, in one transaction
    relay             numbers what is pending (`numbering`), publishes; one relay at a time
    shortcut          the same to the worker's own follower, where nothing comes before it
    broker            Redis PUBLISH, one message for each channel: fast, may lose
    follower          keeps each active channel's log whole: messages, looks, repair
    log               ChannelLog, the ring: framed once for all subscribers
    manager           who follows the channel
    flush             everything after each cursor, in slices, to the transports
    refill            from Postgres, for cursors that fell off the ring

A command
    handshakes        take turns with what is live; `opening` answers those that are plainly right,
                      others go by way of `upgrade` (uvicorn) and `router`, then are taken over
    websocket         frames in and out, `deflated_socket` for clients that agreed on compression;
                      `router.AsgiTransport` where it cannot be taken over
    intake            messages of one client, one after the other
    codec             JSON or Protobuf -> `protocol` models
    commands          connecting, subscribing, reading, publishing -> reply with the same id

Beside them: access (rights that change), presence on leases, heartbeat on a wheel, ops (figures
of each worker, for admins), runtime (wires it all and owns the tasks).

Read in this order: models, outbox, epoch, numbering, relay, broker, log, reader, follower,
shortcut, subscription, connection, manager, flush, refill, protocol, codec, commands, cursors,
channels, access, router, intake, transport.
"""
