"""Who is calling: tokens, passwords and the port through which auth asks who may."""
