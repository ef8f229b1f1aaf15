"""Reads mailboxes as tickets: IMAP, MIME parts, character sets, automatic replies."""
