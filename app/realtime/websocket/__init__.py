"""From bytes on a connection to whole messages, and back.

door                the server's protocol class: HTTP as uvicorn has it, or a handshake
bounded_http        what a request may weigh and how long it may take
handshakes          their turn; `opening` answers, or `upgrade` has uvicorn do it
router              /ws as an ordinary ASGI route, under whatever server
socket_transport    frames in and out, for a connection that was taken over
frame_reader        the reader of masked frames; `frame_rate` bounds those without a message
deflated_socket     the same for clients that agreed on compression
"""
