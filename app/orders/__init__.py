"""Orders: placed by customers, moved on by staff, worked on by several people at once."""
