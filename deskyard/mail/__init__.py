"""From a mailbox to tickets: IMAP, MIME parts, character sets, automatic replies."""
