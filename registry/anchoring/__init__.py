"""From signed leaves to final anchors: queue, batches, publisher, reconciliation, ceremony.

The only user of web3 and of transaction keys.
"""

import sys

# A curve package behind web3 raises the recursion limit of the whole process to 100 000 when it is
# imported. Python's JSON decoder counts on that limit: with it raised, a request of nothing but
# opening brackets overflows the C stack and ends the process. Imported first and undone.
_LIMIT = sys.getrecursionlimit()
import py_ecc  # noqa: E402, F401

sys.setrecursionlimit(_LIMIT)
