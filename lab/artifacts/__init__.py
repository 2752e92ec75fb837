"""What the lab is made of, built from ordinary packages and cached by the inputs it came from."""

from lab.artifacts.build import ensure

__all__ = ["ensure"]
