"""The AsyncAPI 3.0 document of the socket: `/asyncapi.json`, made of the models themselves."""
