"""From a committed write to every authorised browser: in order, once, without a gap.

A write
    orders/service    changes the row and calls `outbox.record`, in one transaction
    relay             numbers what is pending: offsets, COMMIT, publish; one relay at a time
    broker            Redis PUBLISH, one message for each channel: fast, may lose
    follower          keeps each active channel's log whole: messages, looks, repair
    log               ChannelLog, the ring: framed once for all subscribers
    manager           marks the channel dirty, flushes once for the turn of the loop
    connection        writes everything after its cursor to its transport

A command
    router -> connection -> protocol.parse -> commands -> channels.authorize -> manager -> reply

Read in this order: models, outbox, epoch, relay, broker, log, reader, follower, manager,
connection, protocol, commands, channels, access, router.
"""
