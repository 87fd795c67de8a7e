"""The Centrifuge protocol as bytes; knows no connection and does no I/O.

codes              error, close and unsubscribe codes
requests           what clients say
protocol           what the server says: replies and pushes
codec              the JSON flavour, and what a flavour is
protobuf_codec     the other one (`centrifuge.proto`)
frames             WebSocket frames, not masked: one serves all
deflate            permessage-deflate without context: one compressed frame serves all
batches            events as one write, made once for all equal cursors
"""
