"""Lets `python -m codelab` be the same as `codelab`."""

from codelab.cli.main import main

if __name__ == "__main__":
    main()
