"""`python -m deskyard` is the command `deskyard`."""

from deskyard.cli import main

if __name__ == "__main__":
    main()
