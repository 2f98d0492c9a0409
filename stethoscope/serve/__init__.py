"""The service: a recording in, a verdict out, over HTTP and WebSocket, with a page for the person
beside the machine.

It runs on numpy, soundfile, soxr, LiteRT and FastAPI; what it answers is what
:mod:`stethoscope.bundle.inference` says.
"""
