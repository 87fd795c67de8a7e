"""From a committed write to every authorised browser: in order, once, without a gap.

A write
    orders/service        changes the row and calls `outbox.record`, in one transaction
    dependencies          RecordingSession: commits before the answer, then nudges the relay
    log/relay             numbers what is pending (`numbering`), publishes; one relay at a time
    log/shortcut          the same to the worker's own follower, where nothing comes before it
    log/broker            Redis PUBLISH, one message for each channel: fast, may lose
    log/follower          keeps each active channel's log whole: messages, looks, repair
    log/channel_log       ChannelLog, the ring: framed once for all subscribers
    fanout/manager        who follows the channel
    fanout/flush          everything after each cursor, in slices, to the transports
    fanout/refill         from Postgres, for cursors that fell off the ring

A command
    websocket/door        tells handshakes from requests; `handshakes` takes turns with what is live
    websocket/opening     answers those that are plainly right; others go by way of `upgrade`
                          (uvicorn) and `router`, and are taken over then
    websocket/socket_transport   frames in and out
    commands/intake       messages of one client, one after the other
    wire/codec            JSON or Protobuf -> `wire/requests` models
    commands/dispatch     connecting, subscribing, reading, publishing -> reply with the same id

The packages, each over those below it (import-linter checks it); each lists its modules:
    websocket    from bytes on a connection to whole messages, and back
    commands     what clients ask for
    presence     who is there, on leases
    fanout       connections, their cursors, and who gets what when
    log          the log: numbered in Postgres, published through Redis, followed in memory
    wire         the Centrifuge protocol: messages, codecs, frames; no I/O

Beside them
    models, outbox, dependencies, channels   what features use
    runtime      wires the stations of a worker and owns its tasks (`supervision`)
    access       re-checks live connections when rights change
    questions    what policies ask Postgres ends by itself, whoever still waits
    time_limit   one limit of time for many pieces of work
    ops, figures the figures of each worker, for admins

Words
    offset   an event's number in a channel: 1, 2, 3 …
    head     the offset of a channel's last event
    tick     the number of a relay's batch: what a look compares
    look     a worker asks Postgres what it has missed
    target   how far a channel is known to reach; repair runs until the head is there
    cursor   how far a subscription is
    epoch    which log this is; positions of another one mean nothing
    lease    what a worker renews; what hangs on it ends with it

Read in this order: models, outbox, log, wire, fanout, channels, commands, access, presence,
websocket, runtime.
"""
