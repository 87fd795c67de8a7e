"""Who gets what when: no connection has a queue, it has cursors on shared logs.

transport       what carries a connection
connection      one client: identity, subscriptions, writability
subscription    a cursor on a channel's log
budget          how often a client may do something
manager         ConnectionManager: who follows which channel
flush           everything after each cursor, in slices
refill          from Postgres, for cursors that fell off the ring
timing          what a connection waits for; `heartbeat` sees to it, on a `wheel`
closing         many connections at once, in slices
defects         faults on purpose, for tests
"""
