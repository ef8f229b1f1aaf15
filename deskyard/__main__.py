"""`python -m deskyard` is the command `deskyard`."""

from deskyard.cli import main

main()
