"""The subcommands of `airis`, by what they are about."""
