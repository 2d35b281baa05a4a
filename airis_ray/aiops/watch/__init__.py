"""The watcher: it scores everything that comes in, by itself, and keeps what it finds in ``airis_anomalies``.

The floors: :mod:`.windows` (roll-ups as grids of series), :mod:`.groups` (series that one detector holds),
:mod:`.tracking` (stretches become anomalies with an id that stays), :mod:`.verdicts` (what operators said of them),
:mod:`.checkpoint` (states on disk), :mod:`.watcher` (one turn over everything), :mod:`.service` (turn after turn).
None of them knows of Ray or HTTP.
"""
