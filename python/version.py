"""The release that this code is; the newest heading of CHANGELOG.md says what is in it."""

VERSION = "0.9.0"
