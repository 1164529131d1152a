"""The version of the package. A test compares it with the version in Cargo.toml."""

__version__ = "0.2.0"
