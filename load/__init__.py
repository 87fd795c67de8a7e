"""Measures how Tandem behaves under load: `python -m load SCENARIO`.

Real writes over REST, real sockets, and every connection accounts for every event.

- `arguments`, `__main__`, `runner`: the command, its exit codes, what every scenario shares.
- `scenario`, `scenarios/`: what a scenario is; one file each, found by name.
- `target`, `server`: the deployment under load, signing in to it, starting an own one.
- `measurement`: one measured stretch, of which a scenario plays one or more.
- `orders`, `writer`: what is written, and an open loop that writes it at the asked rate.
- `fleet` (here), `reader` and `crowd` (client processes), `messages` between them.
- `subscriber`, `many`, `websocket`, `frames`, `publication`: one connection, from socket to event.
- `following`, `reference`, `receipts`: what many are sent alike is understood once.
- `ledger`, `histogram`, `series`, `usage`, `machine`: counting.
- `report`, `comparison`, `screen`, `page`, `plots`, `plot`: telling.
- `saturation`, `handshakes`, `probes`, `peer`: what several scenarios do.

Latency is the receipt in a client process minus the event's `at`, which the database's clock gave
when the event was recorded: one clock only where target and load run on one machine.
"""
