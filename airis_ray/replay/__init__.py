"""Session replay: recordings of browser sessions by rrweb, masked, kept as blocks, summarised, found and shown.

Ingest takes recordings in (:mod:`airis_ray.replay.recorder`); the application ``replay`` reads them. What both agree
on lies in the store (:mod:`airis_ray.replay.tables`) and in the object store (:mod:`airis_ray.replay.objects`).
"""
