"""The package's version, that of Cargo.toml; a test compares the two."""

__version__ = "0.2.0"
