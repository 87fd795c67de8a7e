"""The paths of people: some words under /users are no ids, whatever is asked of them."""

from starlette.convertors import StringConvertor, register_url_convertor


class Somebody(StringConvertor):
    """Where an id stands, or what should be one. DELETE /users/me is a 405, not a bad id."""

    regex = "(?!(?:me|lookup)$)[^/]+"


register_url_convertor("somebody", Somebody())
SOMEBODY = "/{user_id:somebody}"
