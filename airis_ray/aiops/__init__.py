"""What is wrong and what comes next: detectors and forecasters over batches of series.

The floors: :mod:`.series` (a batch of series on a grid), :mod:`.protocol` (what a detector is and gives back),
then the detectors themselves. None of them knows of Ray, HTTP or the store.
"""
