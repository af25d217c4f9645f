"""`python -m loregraft` does what `loregraft` does."""

from loregraft.cli.main import main

if __name__ == "__main__":
    main()
