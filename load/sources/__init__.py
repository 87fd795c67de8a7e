"""Where Tandem's events come from: REST writes, the outbox in bulk, or numbered on the wire."""
