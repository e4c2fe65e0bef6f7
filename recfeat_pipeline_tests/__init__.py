"""Tests, of which several processes run at once.

Each computes in one thread: threads that share a core wait for each other in a loop, which made
``test_bench.py::test_training`` ten times as dear on a busy machine.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before whatever reads it is imported
