"""Where tickets live: one file a store. `files` reads and writes tables of tickets."""
