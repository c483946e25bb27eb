"""The command line. One file a command; nothing heavy is imported before a command needs it."""

from grader.cli.app import main

__all__ = ["main"]
