"""What whoever started a command can set right."""


class OperatorError(Exception):
    """The message is one clear line for the terminal."""
