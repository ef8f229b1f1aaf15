"""Reports: what training, pages and mails show alike, made from a bundle's card and the journal."""
