"""The DAVIS interactive benchmark: a simulated user, a method, and what they come to.

Drives a method (by default the same ``Session`` that people use) over labelled sequences and
scores every mask. Rows first, then whatever can be computed from them.
"""

from ivos.evaluate.dataset import Dataset, LabelledSequence
from ivos.evaluate.method import Answer, Method
from ivos.evaluate.protocol import Metric, Protocol, Row, Turn, play
from ivos.evaluate.run import Evaluation, evaluate
from ivos.evaluate.summary import Summary, summarise

__all__ = [
    "Answer",
    "Dataset",
    "Evaluation",
    "LabelledSequence",
    "Method",
    "Metric",
    "Protocol",
    "Row",
    "Summary",
    "Turn",
    "evaluate",
    "play",
    "summarise",
]
