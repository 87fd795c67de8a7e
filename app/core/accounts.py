"""What the e-mail address and the password of an account may be, also where settings name them."""

from unicodedata import is_normalized

from email_validator import EmailNotValidError, validate_email

EMAIL_MAX_LENGTH = 254
PASSWORD_MIN_LENGTH = 8
PASSWORD_MAX_LENGTH = 128
PASSWORD_LENGTH = f"{PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters"


def parse_email(value: str) -> str:
    """A well-formed address as it was given, trimmed; in one spelling where Unicode has several.

    No DNS is asked. Case counts only for display: the database compares lower(email).
    """
    given = value.strip()
    if len(given) > EMAIL_MAX_LENGTH:  # the validator would look at each character
        raise ValueError(f"An e-mail address has at most {EMAIL_MAX_LENGTH} characters")
    try:
        checked = validate_email(given, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    same = checked.normalized.lower() == given.lower() and is_normalized("NFC", given)
    return given if same else checked.normalized


def check_password(value: str) -> None:
    """Raises ValueError for one that is too short or too long."""
    if not PASSWORD_MIN_LENGTH <= len(value) <= PASSWORD_MAX_LENGTH:
        raise ValueError(f"not {PASSWORD_LENGTH}")
