"""`python -m kfpipe` is `kfpipe`."""

from kfpipe.cli import main

if __name__ == "__main__":
    main()
