"""Detectors: what is unusual in a batch of series.

:mod:`.shapes` (courses never seen before), :mod:`.baseline` (values away from season and level), :mod:`.mixed`
(both, weighed per series: the default), :mod:`.together` (the metrics of one service), :mod:`.stream` (one state a
series, updated point by point: what a watcher keeps).
"""
