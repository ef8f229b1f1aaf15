"""Lets `python -m deskyard` run the command `deskyard`."""

from deskyard.cli.main import main

if __name__ == "__main__":
    main()
