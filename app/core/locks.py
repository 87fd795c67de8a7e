"""The keys of the advisory locks: all that uses one database must tell them apart."""

RELAY_LOCK = 0x7A4D_0001
MIGRATION_LOCK = 0x7A4D_0002
SEED_LOCK = 0x7A4D_0003
PRUNE_LOCK = 0x7A4D_0004
FIRST_ADMIN_LOCK = 0x7461_6E64_0001
