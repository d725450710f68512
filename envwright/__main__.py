"""`python -m envwright` is `envwright`."""

from envwright.cli import main

if __name__ == "__main__":
    main()
