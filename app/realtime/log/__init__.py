"""The log: numbered in Postgres, published through Redis, followed by every worker.

In the order of the data path
    epoch           which log this is, and where a channel stands
    numbering       the statements that give pending events their offsets
    low_water       which of the pending events nobody has to look for any more
    relay           runs them, one relay at a time, and publishes what was numbered
    message         events of one channel as Redis carries them
    broker          Redis pub/sub: what it promises and what not
    sender          batches of its messages, one at a time and within limits of time
    link            the connections to Redis by which both speak and listen
    shortcut        from this worker's relay to its own follower, ahead of Redis
    reader          reads of the log in Postgres, each row checked to follow the one before
    channel_log     ChannelLog, the ring of a channel's latest events; `rings` bounds all together
    follower        keeps every active channel's log whole
    housekeeping    prunes the log from the front
"""
