"""The version of this release, said by `--version`, in every hello and on every talon."""

VERSION = "0.1.0"
