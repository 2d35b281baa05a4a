"""The shop itself, as data: who there is, who calls whom, what is written and measured."""
