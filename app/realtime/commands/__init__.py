"""What clients ask for, from a whole message to its replies.

intake         messages of one client, one after the other
dispatch       from a message to the function that carries out each of its commands
stations       what these functions work with; one of each for a worker
turns          those that arrive take turns with those that are there
admission      so many sign in and subscribe at the same time
connecting     `connect`, `refresh`
cursors        from an active channel and a position to a cursor, with nothing in between
subscribing    `subscribe`, `unsubscribe`
publishing     `publish`: signals
reading        `history`, `presence`, `presence_stats`
"""
