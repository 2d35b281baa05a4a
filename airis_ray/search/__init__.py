"""Natural-language search: questions in Korean and English become requests of the contract."""
