"""`python -m starshift` is the same as `starshift`."""

from starshift.cli.main import main

if __name__ == "__main__":
    main()
