"""stethoscope listens to machines: it learns what normal sounds like and says when, and how, a
machine departs from it.
"""

__version__ = "0.1.0"
