"""Who is there: entries in Redis that hang on a worker's lease, and what each worker saw of them.

leases               a worker renews one key; what hangs on it ends with it
lease_store          what is asked of Redis for that (`lease_scripts`, `entry_scripts`)
entries              a worker's own entries, written in batches
mirror, mirrors      each worker's copy of a channel's entries
channel_presence     Presence: who is on a channel, their joins and leaves
attendance           subscriptions that come and go, told to `channel_presence`
connection_counts    how many connections a user has in the cluster
"""
