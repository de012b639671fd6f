"""`python -m css_snapshot`: the same as the command `css-snapshot`."""

from css_snapshot.cli import main

if __name__ == "__main__":
    main()
