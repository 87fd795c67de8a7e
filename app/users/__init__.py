"""People: their accounts, their sessions (sign-in, refresh, sign-out), and what they may do."""
