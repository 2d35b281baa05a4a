"""Models of users: registered from a notebook, checked, kept per tenant, and asked by name.

A model says of windows how unusual they are (:mod:`.windows`); level, season, band, threshold and sentences are the
platform's (:mod:`.detector`). It is an ONNX graph, which is data and not code, and runs in a process of its own
(:mod:`.worker`, :mod:`.process`). Which models there are: :mod:`.registry`; how one comes in: :mod:`.admission`.
"""
