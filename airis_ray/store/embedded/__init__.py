"""The store of one machine: chDB behind ClickHouse's own HTTP interface.

``engine`` runs statements, ``server`` speaks HTTP, ``access`` says who may run what, ``process`` owns the folder and
the port, ``actor`` keeps that process alive as a detached Ray actor.
"""
