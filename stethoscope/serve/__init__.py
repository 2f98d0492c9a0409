"""The service: it answers recordings with verdicts, over HTTP and WebSocket, with a web page.

It runs on numpy, soundfile, soxr, LiteRT and FastAPI. Its verdicts are those of
:mod:`stethoscope.bundle.inference`.
"""
