"""``python -m engine`` is ``pointbell``."""

from .cli import main

if __name__ == "__main__":
    main()
